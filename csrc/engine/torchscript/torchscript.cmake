# The TorchScript engine: a plugin, opened after libtorch's own libraries.
set(torchscript_folder csrc/engine/torchscript)
file(GLOB torchscript_sources CONFIGURE_DEPENDS ${torchscript_folder}/*.cpp
     ${torchscript_folder}/build/*.cpp ${torchscript_folder}/operators/*.cpp
     ${torchscript_folder}/session/*.cpp ${torchscript_folder}/tools/*.cpp)
add_library(llm2clip_torchscript MODULE ${torchscript_sources})
# Found by absolute path at run time, never through a path of the machine that built it.
set_target_properties(llm2clip_torchscript PROPERTIES PREFIX "" SKIP_BUILD_RPATH ON)
llm2clip_use_torch(llm2clip_torchscript)
# at::parallel_for runs on one thread without it. Not linked: libtorch brings the OpenMP runtime.
target_compile_options(llm2clip_torchscript PRIVATE -fopenmp)
target_link_libraries(llm2clip_torchscript PRIVATE llm2clip_core llm2clip_kernels)
llm2clip_warnings(llm2clip_torchscript)
