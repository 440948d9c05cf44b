# What uses torch says so by llm2clip_use_torch(target).
set(torch_includes ${LIBTORCH_ROOT}/torch/include ${LIBTORCH_ROOT}/torch/include/torch/csrc/api/include)

function(llm2clip_use_torch target)
  target_include_directories(${target} SYSTEM PRIVATE ${torch_includes})
  # Of plugins: what libtorch's own libraries lack here is theirs to find.
  target_link_libraries(${target} PRIVATE
    ${LIBTORCH_ROOT}/torch/lib/libtorch_cpu.so ${LIBTORCH_ROOT}/torch/lib/libc10.so)
  target_link_options(${target} PRIVATE -Wl,--allow-shlib-undefined)
  set_target_properties(${target} PROPERTIES UNITY_BUILD_BATCH_SIZE 10)
endfunction()
