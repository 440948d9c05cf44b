# A test program: the GPU operators and padded weights on the host, over twins of the kernels.
set(twin_folder csrc/engine/torchscript/cuda)
file(GLOB twin_tests CONFIGURE_DEPENDS ${twin_folder}/tests/*.cpp)
add_executable(twin EXCLUDE_FROM_ALL ${twin_tests} ${twin_folder}/operators_cuda.cpp
  ${twin_folder}/text_operators_cuda.cpp ${twin_folder}/text_run.cpp ${twin_folder}/text_graph.cpp
  ${twin_folder}/linear_cuda.cpp ${twin_folder}/padded_weights.cpp ${twin_folder}/fused_head.cpp
  ${twin_folder}/patch_embedding.cpp csrc/engine/torchscript/session/module_inputs.cpp)
set_target_properties(twin PROPERTIES
  RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/$<CONFIG>/tests)
target_link_libraries(twin PRIVATE llm2clip_core twin_kernels)
llm2clip_use_torch(twin)
# Everything is compiled together, because torch's headers take longer than the rest.
set_target_properties(twin PROPERTIES UNITY_BUILD_BATCH_SIZE 0)
llm2clip_warnings(twin)
