# The TensorRT engines. The same sources are compiled against the headers of each vendor library
# that is present. They are plugins, but the vendor's library is never linked.
set(TENSORRT_INCLUDE "" CACHE PATH "Folder that holds NvInfer.h of TensorRT 11")
set(TENSORRT_RTX_INCLUDE "" CACHE PATH "Folder that holds NvInfer.h of TensorRT for RTX")
file(GLOB tensorrt_sources CONFIGURE_DEPENDS csrc/engine/tensorrt/*.cpp)
list(FILTER tensorrt_sources EXCLUDE REGEX /flavour_)
function(llm2clip_tensorrt_target target flavour include)
  target_sources(${target} PRIVATE ${tensorrt_sources} csrc/engine/tensorrt/flavour_${flavour}.cpp)
  target_include_directories(${target} SYSTEM PRIVATE ${include} csrc/engine/tensorrt/include)
  target_link_libraries(${target} PRIVATE llm2clip_core)
  llm2clip_warnings(${target})
endfunction()
if(TENSORRT_INCLUDE)
  add_library(llm2clip_tensorrt MODULE)
  set_target_properties(llm2clip_tensorrt PROPERTIES PREFIX "")
  llm2clip_tensorrt_target(llm2clip_tensorrt tensorrt ${TENSORRT_INCLUDE})
endif()
if(TENSORRT_RTX_INCLUDE)
  # Compiled once, for the engine and for the program that tests it.
  add_library(tensorrt_rtx_parts OBJECT)
  llm2clip_tensorrt_target(tensorrt_rtx_parts rtx ${TENSORRT_RTX_INCLUDE})
  add_library(llm2clip_tensorrt_rtx MODULE $<TARGET_OBJECTS:tensorrt_rtx_parts>)
  set_target_properties(llm2clip_tensorrt_rtx PROPERTIES PREFIX "")
  target_link_libraries(llm2clip_tensorrt_rtx PRIVATE llm2clip_core)
  # Tests the networks of the models layer by layer. test/tensorrt-build.test.mts passes it the
  # library.
  file(GLOB network_test_sources CONFIGURE_DEPENDS csrc/engine/tensorrt/tests/*.cpp)
  add_executable(tensorrt_network_test ${network_test_sources} csrc/tests/numbered_weights.cpp
                 csrc/tests/ropes.cpp $<TARGET_OBJECTS:tensorrt_rtx_parts>)
  target_include_directories(tensorrt_network_test SYSTEM PRIVATE ${TENSORRT_RTX_INCLUDE}
                             csrc/engine/tensorrt/include)
  llm2clip_test_program(tensorrt_network_test)
endif()
