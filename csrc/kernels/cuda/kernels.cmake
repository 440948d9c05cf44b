# The GPU kernels. nvcc compiles each .cu file. It is called as a command, not as a CMake language,
# because CMake's checks need a whole toolkit, and here only the compiler's wheels are installed.
# The launchers are plain C++.
#
# LLM2CLIP_NVCC may be a link, so the paths below are those of the compiler itself.
get_filename_component(cuda_compiler "${LLM2CLIP_NVCC}" REALPATH)
get_filename_component(cuda_root "${cuda_compiler}/../.." ABSOLUTE)

# Machine code for each generation, which runs on the whole generation (8.0's also on 8.6 and 8.9),
# and PTX for future ones.
set(cuda_code -gencode=arch=compute_120,code=compute_120)
foreach(capability 75 80 90 100 120)
  list(APPEND cuda_code -gencode=arch=compute_${capability},code=sm_${capability})
endforeach()

if(LLM2CLIP_WARNINGS_ARE_ERRORS)
  set(cuda_errors -Werror=all-warnings -Xcompiler=-Werror)
endif()

# Lets nvcc compile `source` and sets `object` to the resulting file.
function(llm2clip_cuda_object source object)
  get_filename_component(name ${source} NAME)
  set(made ${CMAKE_BINARY_DIR}/cuda/${name}.o)
  add_custom_command(OUTPUT ${made}
    COMMAND ${LLM2CLIP_NVCC} -std=c++20 -O3 --compress-mode=size ${cuda_code} -ccbin ${CMAKE_CXX_COMPILER}
            -I${CMAKE_SOURCE_DIR}/csrc -Xcompiler=-fPIC,-fvisibility=hidden,-Wall,-Wextra ${cuda_errors}
            -MD -MF ${made}.d -MT ${made} -c ${source} -o ${made}
    DEPENDS ${source} DEPFILE ${made}.d COMMENT "nvcc ${name}" VERBATIM)
  set(${object} ${made} PARENT_SCOPE)
endfunction()

file(GLOB cuda_kernel_sources CONFIGURE_DEPENDS csrc/kernels/cuda/*.cu)
foreach(source ${cuda_kernel_sources})
  llm2clip_cuda_object(${source} object)
  list(APPEND cuda_objects ${object})
endforeach()
add_library(llm2clip_kernels_cuda STATIC EXCLUDE_FROM_ALL ${cuda_objects} csrc/kernels/cuda/packed_image.cpp)
set_target_properties(llm2clip_kernels_cuda PROPERTIES LINKER_LANGUAGE CXX)
target_include_directories(llm2clip_kernels_cuda PUBLIC csrc)
# Uses the CUDA runtime that comes with libtorch, so that both share the same contexts.
target_link_libraries(llm2clip_kernels_cuda PUBLIC llm2clip_core
  ${LIBTORCH_ROOT}/nvidia/cu13/lib/libcudart.so.13)
