#include "ops/linear.h"

#include "kernels/cpu/linear_shares.h"
#include "ops/linear_input.h"
#include "ops/linear_kernels.h"

namespace llm2clip {
namespace {

// Returns a panel in the form that the kernel reads. If that is not the stored form, the panel is
// unpacked into the worker's scratch memory, where it stays in the cache while it is multiplied.
const std::byte* panel_of(const LinearKernel& kernel, const LinearWeight& weight,
                          const LinearShare& share, Workers& workers, int64_t worker) {
  const std::byte* stored = weight.panels + share.panel * panel_bytes(weight.type, weight.in);
  if (kernel.form == PanelForm::kStored) return stored;
  const int64_t bytes = unpacked_bytes(weight.type, kernel.form, weight.in);
  std::byte* to = workers.scratch(worker, static_cast<size_t>(bytes));
  const float* scales = weight.scales == nullptr ? nullptr : weight.scales + share.block.column;
  const PanelArguments a{weight.type, kernel.form, weight.in, scales, share.block.columns};
  fastest_unpack_panel()(stored, to, a);
  return to;
}

}  // namespace

size_t linear_room(const LinearWeight& weight, int64_t rows) {
  return prepared_bytes(fastest_linear_kernel(weight.type), weight, rows);
}

void linear(Workers& workers, const LinearWeight& weight, ConstMatrix x, Matrix out,
            std::byte* room) {
  const LinearKernel& kernel = fastest_linear_kernel(weight.type);
  const PreparedInput input = prepare_input(workers, kernel, weight, x, room);
  const LinearArguments a{x.rows, kernel.width(weight), weight.out};
  const LinearShares shares = linear_shares(a, workers.count());
  workers.run(shares.count, [&](int64_t number, int64_t worker) {
    const LinearShare share = linear_share(a, shares, number);
    const std::byte* panel = panel_of(kernel, weight, share, workers, worker);
    kernel.multiply({weight, input.x, input.row_scales, panel, out, a, share.block});
  });
}

}  // namespace llm2clip
