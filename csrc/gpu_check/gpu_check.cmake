# What scripts/gpu-check.sh runs on a machine with a GPU; built, never run, where there is none.
add_executable(cuda_kernels_gpu_test csrc/tests/cuda_kernels_test.cpp
  csrc/tests/cuda_text_kernels.cpp)
target_include_directories(cuda_kernels_gpu_test PRIVATE csrc/gpu_check csrc/tests)
target_link_libraries(cuda_kernels_gpu_test PRIVATE llm2clip_kernels_cuda llm2clip_kernels)

add_executable(gpu_session_check csrc/gpu_check/gpu_session_check.cpp
  csrc/gpu_check/session_check.cpp csrc/gpu_check/synthetic_tower.cpp)
target_link_libraries(gpu_session_check PRIVATE llm2clip_core Threads::Threads)

add_executable(text_check csrc/gpu_check/text_check.cpp
  csrc/gpu_check/session_check.cpp csrc/gpu_check/synthetic_tower.cpp)
target_link_libraries(text_check PRIVATE llm2clip_core Threads::Threads)

add_custom_target(gpu_check)
foreach(program cuda_kernels_gpu_test gpu_session_check text_check)
  set_target_properties(${program} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/$<CONFIG>/gpu_check)
  llm2clip_warnings(${program})
  add_dependencies(gpu_check ${program})
endforeach()
add_dependencies(gpu_check llm2clip_torchscript llm2clip_torchscript_cuda native_tests)
