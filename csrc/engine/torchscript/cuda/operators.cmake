# The part of the TorchScript engine that needs CUDA. llm2clip_torchscript.so opens it from the same
# folder. Compiling it does not need libtorch's CUDA libraries, which take a gigabyte. When they are
# missing, empty libraries of the same names are linked instead, and the real ones are found at run
# time.
file(WRITE ${CMAKE_BINARY_DIR}/cuda/nothing.cpp "")
foreach(name c10_cuda torch_cuda)
  set(${name} ${LIBTORCH_ROOT}/torch/lib/lib${name}.so)
  if(NOT EXISTS ${${name}})
    add_library(${name}_stand_in SHARED EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/cuda/nothing.cpp)
    set_target_properties(${name}_stand_in PROPERTIES OUTPUT_NAME ${name}
      LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/cuda)
    set(${name} ${name}_stand_in)
  endif()
endforeach()

file(GLOB torchscript_cuda_sources CONFIGURE_DEPENDS csrc/engine/torchscript/cuda/*.cpp)
add_library(llm2clip_torchscript_cuda MODULE EXCLUDE_FROM_ALL ${torchscript_cuda_sources}
            csrc/engine/torchscript/session/module_inputs.cpp)
set_target_properties(llm2clip_torchscript_cuda PROPERTIES PREFIX "" SKIP_BUILD_RPATH ON)
llm2clip_use_torch(llm2clip_torchscript_cuda)
target_include_directories(llm2clip_torchscript_cuda SYSTEM PRIVATE ${cuda_root}/include)
target_link_libraries(llm2clip_torchscript_cuda PRIVATE llm2clip_kernels_cuda ${c10_cuda} ${torch_cuda})
target_link_options(llm2clip_torchscript_cuda PRIVATE -Wl,--no-as-needed)
llm2clip_warnings(llm2clip_torchscript_cuda)
