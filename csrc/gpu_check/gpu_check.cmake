# The programs that scripts/gpu-check.sh runs on a machine with a GPU. A machine without a GPU can
# build but not run them. The target `gpu_check` builds them and everything they need.
add_executable(cuda_kernels_gpu_test csrc/tests/cuda_kernels_test.cpp
  csrc/tests/cuda_text_kernels.cpp)
target_include_directories(cuda_kernels_gpu_test PRIVATE csrc/gpu_check csrc/tests)
target_link_libraries(cuda_kernels_gpu_test PRIVATE llm2clip_kernels_cuda llm2clip_kernels)

# The code that the session checks share.
add_library(gpu_check_parts STATIC EXCLUDE_FROM_ALL csrc/gpu_check/copy_times.cpp csrc/gpu_check/json_text.cpp
  csrc/gpu_check/image_requests.cpp csrc/gpu_check/session_check.cpp
  csrc/gpu_check/synthetic_tower.cpp csrc/gpu_check/vision_check.cpp)
target_link_libraries(gpu_check_parts PUBLIC llm2clip_core Threads::Threads)
llm2clip_warnings(gpu_check_parts)

set(session_checks gpu_session_check tensorrt_session_check text_check soak_check fault_check)
foreach(check ${session_checks})
  add_executable(${check} csrc/gpu_check/${check}.cpp)
  target_link_libraries(${check} PRIVATE gpu_check_parts)
endforeach()
llm2clip_cuda_object(${CMAKE_SOURCE_DIR}/csrc/gpu_check/trap_cuda.cu trap_object)
target_sources(fault_check PRIVATE ${trap_object})
target_link_libraries(fault_check PRIVATE llm2clip_kernels_cuda)

add_custom_target(gpu_check)
foreach(program cuda_kernels_gpu_test ${session_checks})
  set_target_properties(${program} PROPERTIES EXCLUDE_FROM_ALL ON UNITY_BUILD OFF
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/$<CONFIG>/gpu_check)
  llm2clip_warnings(${program})
  add_dependencies(gpu_check ${program})
endforeach()
add_dependencies(gpu_check llm2clip_torchscript llm2clip_torchscript_cuda fake_engine)
foreach(plugin llm2clip_tensorrt llm2clip_tensorrt_rtx)
  if(TARGET ${plugin})
    add_dependencies(gpu_check ${plugin})
  endif()
endforeach()
