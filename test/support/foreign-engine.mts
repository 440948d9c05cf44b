import { PickleWriter } from './pickle-writer.mts';
import { writeArchive } from './torch-writer.mts';

const SOURCE = `class Foreign(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  tokens : str
  def forward(self: __torch__.Foreign,
    x: Tensor) -> Tensor:
    return torch.narrow(torch.flatten(x, 1), 1, 0, 64)
`;

/**
 * Writes a TorchScript file as torch.jit.save does. Its embeddings are the first 64 numbers of an
 * image. Like files of this project it has an attribute `tokens`, but here that is not a number.
 */
export function writeForeignEngine(path: string): void {
  const module = new PickleWriter().global('__torch__', 'Foreign').raw(')\x81}').mark();
  module.string('training').bool(false).string('tokens').string('cls').setItems().raw('b');
  const records = Object.entries({
    'code/__torch__.py': Buffer.from(SOURCE),
    'constants.pkl': new PickleWriter().raw(')').stop(),
  }).map(([name, data]) => ({ name, data, size: data.length }));
  writeArchive(path, module.stop(), records);
}
