# cmake -DSOURCE=webui -DNPM=npm -DNODE=node -P install.cmake: node_modules as package-lock.json says, or nothing to do. Two builds of one
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
# npm runs on the Node that will run the packages: on an older one (bare Debian 12 has 18) it leaves out, in silence, optional packages
# that ask for a newer, and the bundler's native half is one. Debian's npm finds its libraries by NODE_PATH there; that Node brings
# certificates of its own, so it is told of the machine's.
get_filename_component(node_folder "${NODE}" DIRECTORY)
set(certificates /etc/ssl/certs/ca-certificates.crt)
if(DEFINED ENV{NODE_EXTRA_CA_CERTS})
  set(certificates "$ENV{NODE_EXTRA_CA_CERTS}")
endif()
# No package's scripts are run: none of ours needs one.
execute_process(COMMAND "${CMAKE_COMMAND}" -E env "PATH=${node_folder}:$ENV{PATH}" "NODE_PATH=/usr/share/nodejs:$ENV{NODE_PATH}"
    "NODE_EXTRA_CA_CERTS=${certificates}" "${NPM}" ci --ignore-scripts --prefer-offline --no-audit --no-fund --loglevel=error
  WORKING_DIRECTORY "${SOURCE}" RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(failed)
  message(FATAL_ERROR "webui: npm ci failed. It needs this machine's npm registry once; later builds work offline.\n${output}")
endif()
file(WRITE "${mark}" "${wanted}")
