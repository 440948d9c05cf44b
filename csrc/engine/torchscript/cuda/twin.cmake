# The GPU's operators and padded weights on the host, over twins of the kernels: tests' programs, of
# pictures and of texts.
set(twin_folder csrc/engine/torchscript/cuda)
add_library(twin_operators OBJECT ${twin_folder}/operators_cuda.cpp
  ${twin_folder}/text_operators_cuda.cpp ${twin_folder}/text_run.cpp
  ${twin_folder}/linear_cuda.cpp ${twin_folder}/padded_weights.cpp ${twin_folder}/fused_head.cpp
  ${twin_folder}/patch_embedding.cpp ${twin_folder}/tests/twin_operators.cpp)
add_executable(twin_session ${twin_folder}/tests/twin_session.cpp)
add_executable(twin_texts ${twin_folder}/tests/twin_texts.cpp ${twin_folder}/text_graph.cpp
  csrc/engine/torchscript/module_inputs.cpp)
target_link_libraries(twin_operators PUBLIC llm2clip_core)
foreach(program twin_session twin_texts)
  set_target_properties(${program} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/$<CONFIG>/tests)
  target_link_libraries(${program} PRIVATE twin_operators twin_kernels)
endforeach()
foreach(target twin_operators twin_session twin_texts)
  llm2clip_use_torch(${target})
  llm2clip_warnings(${target})
endforeach()
