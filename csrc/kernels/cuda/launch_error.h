#pragma once

namespace llm2clip {

// Throws the Error for a cudaError_t: out of memory, a lost device, or a defect of this project.
// For the errors that are distinguished here, the runtime library uses the driver's numbers.
void check_launch(int error);

}  // namespace llm2clip
