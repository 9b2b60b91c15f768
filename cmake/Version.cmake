# peal_version(<target>): adds PealVersion and PealCommit, which tell the version of project() and
# the commit, to <target>. The commit is looked up at each build; only one small unit depends on it.
find_program(PEAL_GIT git)

function(peal_version target)
  set(unit ${CMAKE_BINARY_DIR}/generated/version.cc)
  add_custom_target(peal_version_unit
    COMMAND ${CMAKE_COMMAND} -DGIT=${PEAL_GIT} -DSOURCE=${CMAKE_SOURCE_DIR} -DUNIT=${unit}
            -DVERSION=${PROJECT_VERSION} -P ${CMAKE_SOURCE_DIR}/cmake/WriteVersion.cmake
    BYPRODUCTS ${unit}
    COMMENT "Look up the commit"
    VERBATIM)
  target_sources(${target} PRIVATE ${unit})
  add_dependencies(${target} peal_version_unit)
endfunction()
