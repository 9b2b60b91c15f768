# peal_folder(<folder> [LIBRARIES <target>...] [PUBLIC_LIBRARIES <target>...])
#
# Makes the static library peal_<folder> of every .cc file below the current folder but main.cc.
# Its headers are included as "<folder>/...". Each folder has an include root of its own (a link in
# the build tree), so that including from a folder that is not linked does not compile.
function(peal_folder folder)
  cmake_parse_arguments(ARG "" "" "LIBRARIES;PUBLIC_LIBRARIES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  # A folder of headers alone is a library too: the archive then holds one empty unit.
  if(NOT sources)
    set(sources ${CMAKE_BINARY_DIR}/roots/${folder}_empty.cc)
    file(CONFIGURE OUTPUT ${sources} CONTENT "")
  endif()
  set(root ${CMAKE_BINARY_DIR}/roots/${folder})
  file(MAKE_DIRECTORY ${root})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${folder} ${root}/${folder} SYMBOLIC)
  add_library(peal_${folder} STATIC ${sources})
  set_target_properties(peal_${folder} PROPERTIES LINKER_LANGUAGE CXX)
  target_include_directories(peal_${folder} PUBLIC ${root})
  target_link_libraries(peal_${folder}
    PUBLIC ${ARG_PUBLIC_LIBRARIES}
    PRIVATE peal_options ${ARG_LIBRARIES})
endfunction()
