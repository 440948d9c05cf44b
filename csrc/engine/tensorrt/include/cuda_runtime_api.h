#pragma once

// The only CUDA types that TensorRT's headers use. With them, building does not need CUDA's
// headers.
typedef struct CUevent_st* cudaEvent_t;
typedef struct CUstream_st* cudaStream_t;
