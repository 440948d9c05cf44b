#pragma once

// All that TensorRT's headers want of CUDA's, which need not be there to build.
typedef struct CUevent_st* cudaEvent_t;
typedef struct CUstream_st* cudaStream_t;
