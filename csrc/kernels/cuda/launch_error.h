#pragma once

namespace llm2clip {

// Throws what a cudaError_t means: memory, a lost device, or a defect of this project. Those of the
// runtime library that are asked for here have the driver's numbers.
void check_launch(int error);

}  // namespace llm2clip
