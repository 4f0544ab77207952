# cmake -DSOURCE=webui -DNPM=npm -P install.cmake: node_modules as package-lock.json says, or nothing to do. Two builds of one
# source tree share node_modules, so only one installs at a time.
set(modules "${SOURCE}/node_modules")
set(mark "${modules}/.made-from")
file(SHA256 "${SOURCE}/package-lock.json" wanted)
# Beside node_modules, because npm empties that folder.
file(LOCK "${SOURCE}" DIRECTORY GUARD PROCESS TIMEOUT 600 RESULT_VARIABLE locked)
if(NOT locked EQUAL 0)
  message(FATAL_ERROR "webui: another build has been installing packages for ten minutes (${SOURCE}/cmake.lock): ${locked}")
endif()
if(EXISTS "${mark}")
  file(READ "${mark}" present)
  if(present STREQUAL wanted)
    return()
  endif()
endif()
if(NOT NPM)
  message(FATAL_ERROR "webui: npm is missing and node_modules is not what package-lock.json says. Run scripts/setup.sh first.")
endif()
# No package's scripts are run: none of ours needs one.
execute_process(COMMAND "${NPM}" ci --ignore-scripts --prefer-offline --no-audit --no-fund --loglevel=error
  WORKING_DIRECTORY "${SOURCE}" RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(failed)
  message(FATAL_ERROR "webui: npm ci failed. It needs this machine's npm registry once; later builds work offline.\n${output}")
endif()
file(WRITE "${mark}" "${wanted}")
