# Targets that use torch call llm2clip_use_torch(target).
set(torch_includes ${LIBTORCH_ROOT}/torch/include ${LIBTORCH_ROOT}/torch/include/torch/csrc/api/include)

function(llm2clip_use_torch target)
  target_include_directories(${target} SYSTEM PRIVATE ${torch_includes})
  # This is for plugins: the symbols that libtorch's libraries leave undefined are theirs to
  # resolve.
  target_link_libraries(${target} PRIVATE
    ${LIBTORCH_ROOT}/torch/lib/libtorch_cpu.so ${LIBTORCH_ROOT}/torch/lib/libc10.so)
  target_link_options(${target} PRIVATE -Wl,--allow-shlib-undefined)
  set_target_properties(${target} PROPERTIES UNITY_BUILD_BATCH_SIZE 10)
endfunction()
