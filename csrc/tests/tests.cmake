# Adds a test program. Its own code is compiled with -O1, which is quick; the code under test comes
# from libraries, which are compiled as usual.
function(llm2clip_test_program target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD OFF
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/$<CONFIG>/tests)
  target_compile_options(${target} PRIVATE -O1)
  target_link_libraries(${target} PRIVATE llm2clip_core Threads::Threads)
  llm2clip_warnings(${target})
endfunction()

# The core's own tests. test/native.test.mts runs them, and scripts/sanitize.mjs runs them under
# sanitizers.
add_custom_target(native_tests)
foreach(subject activation attention batch batching cpu_engine cuda cuda_kernels engine image linear
        mapped_file memory model norm ops pipeline processors search serving staging team tensorrt
        threads)
  add_executable(${subject}_test csrc/tests/${subject}_test.cpp)
  llm2clip_test_program(${subject}_test)
  target_link_libraries(${subject}_test PRIVATE llm2clip_ops)
  add_dependencies(native_tests ${subject}_test)
endforeach()

target_sources(cpu_engine_test PRIVATE csrc/tests/changed_plans.cpp csrc/tests/cpu_damage_test.cpp
                                       csrc/tests/cpu_files.cpp csrc/tests/numbered_weights.cpp
                                       csrc/tests/small_towers.cpp)
target_link_libraries(cpu_engine_test PRIVATE llm2clip_cpu_engine)

# The GPU kernels as loops on the host, and the code that packs images for them.
add_library(twin_kernels STATIC csrc/tests/cuda_twin_launchers.cpp csrc/kernels/cuda/packed_image.cpp)
target_link_libraries(twin_kernels PUBLIC llm2clip_core)
llm2clip_warnings(twin_kernels)
target_sources(linear_test PRIVATE csrc/tests/linear_kernels_${architecture}.cpp
  csrc/tests/linear_exact_${architecture}.cpp csrc/tests/linear_operation_test.cpp csrc/tests/panels_test.cpp)
if(architecture STREQUAL x86)
  target_sources(linear_test PRIVATE csrc/tests/linear_vnni_twin_avx2.cpp)
  set_source_files_properties(csrc/tests/linear_vnni_twin_avx2.cpp PROPERTIES COMPILE_OPTIONS "${avx2_options}")
endif()
target_sources(attention_test PRIVATE csrc/tests/attention_kernels_${architecture}.cpp)
target_sources(search_test PRIVATE csrc/tests/search_kernels_${architecture}.cpp)
target_sources(cuda_kernels_test PRIVATE csrc/tests/cuda_text_kernels.cpp)
target_sources(staging_test PRIVATE csrc/engine/torchscript/cuda/patch_intake.cpp)
foreach(test cuda_kernels_test staging_test)
  target_link_libraries(${test} PRIVATE twin_kernels)
endforeach()
target_include_directories(cuda_kernels_test PRIVATE csrc/tests/host)
foreach(test team_test threads_test)
  target_sources(${test} PRIVATE csrc/tests/thread_limit.cpp)
  set_target_properties(${test} PROPERTIES ENABLE_EXPORTS ON)  # of its pthread_create()
endforeach()
target_link_libraries(team_test PRIVATE llm2clip_ops)
target_sources(tensorrt_test PRIVATE csrc/engine/tensorrt/constants.cpp
                                     csrc/engine/tensorrt/device_texts.cpp)

# Builds engines with the TorchScript plugin; test/ropes.test.mts gives it the plugin.
add_executable(rope_engines csrc/tests/rope_engines.cpp csrc/tests/ropes.cpp
               csrc/tests/numbered_weights.cpp)
llm2clip_test_program(rope_engines)

# An engine whose runs take a set time, to test and measure everything around engines.
add_library(fake_engine MODULE csrc/tests/fake_engine.cpp)
set_target_properties(fake_engine PROPERTIES PREFIX ""
  LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/$<CONFIG>/tests)
target_link_libraries(fake_engine PRIVATE llm2clip_core)
llm2clip_warnings(fake_engine)
add_dependencies(native_tests fake_engine)

# A CUDA driver without a GPU. Three tests find it through their run path, others through
# LD_LIBRARY_PATH.
add_library(fake_driver SHARED csrc/tests/fake_driver.cpp)
set_target_properties(fake_driver PROPERTIES OUTPUT_NAME cuda SUFFIX .so.1
  LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/$<CONFIG>/tests/fake_driver)
target_include_directories(fake_driver PRIVATE csrc)
llm2clip_warnings(fake_driver)
foreach(test cuda_test staging_test tensorrt_test)
  set_target_properties(${test} PROPERTIES BUILD_RPATH "$ORIGIN/fake_driver")
  # This sets RPATH instead of RUNPATH, because RPATH also applies when a sanitizer opens a library
  # on behalf of the program.
  target_link_options(${test} PRIVATE -Wl,--disable-new-dtags)
endforeach()
add_dependencies(native_tests fake_driver)
