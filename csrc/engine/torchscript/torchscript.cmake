# The TorchScript engine. It is a plugin, and is opened after libtorch's own libraries.
set(torchscript_folder csrc/engine/torchscript)
file(GLOB torchscript_sources CONFIGURE_DEPENDS ${torchscript_folder}/*.cpp
     ${torchscript_folder}/build/*.cpp ${torchscript_folder}/operators/*.cpp
     ${torchscript_folder}/session/*.cpp ${torchscript_folder}/tools/*.cpp)
add_library(llm2clip_torchscript MODULE ${torchscript_sources})
# The plugin is found by absolute path at run time, and contains no path of the machine that built
# it.
set_target_properties(llm2clip_torchscript PROPERTIES PREFIX "" SKIP_BUILD_RPATH ON)
llm2clip_use_torch(llm2clip_torchscript)
# Without -fopenmp, at::parallel_for runs on one thread. OpenMP is not linked, because libtorch
# brings the runtime.
target_compile_options(llm2clip_torchscript PRIVATE -fopenmp)
target_link_libraries(llm2clip_torchscript PRIVATE llm2clip_ops)
llm2clip_warnings(llm2clip_torchscript)
