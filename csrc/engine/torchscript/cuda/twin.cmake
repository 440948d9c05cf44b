# The GPU's operators and padded weights on the host, over twins of the kernels: a test's program.
set(twin_folder csrc/engine/torchscript/cuda)
add_executable(twin_session ${twin_folder}/operators_cuda.cpp
  ${twin_folder}/linear_cuda.cpp ${twin_folder}/padded_weights.cpp ${twin_folder}/fused_head.cpp
  ${twin_folder}/tests/twin_operators.cpp ${twin_folder}/tests/twin_session.cpp
  csrc/tests/cuda_twin_launchers.cpp)
set_target_properties(twin_session PROPERTIES
  RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/$<CONFIG>/tests)
target_include_directories(twin_session SYSTEM PRIVATE
  ${LIBTORCH_ROOT}/torch/include ${LIBTORCH_ROOT}/torch/include/torch/csrc/api/include)
target_link_libraries(twin_session PRIVATE llm2clip_core
  ${LIBTORCH_ROOT}/torch/lib/libtorch_cpu.so ${LIBTORCH_ROOT}/torch/lib/libc10.so)
target_link_options(twin_session PRIVATE -Wl,--allow-shlib-undefined)
llm2clip_warnings(twin_session)
