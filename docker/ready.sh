#!/bin/bash
# Whether a CARLA 0.9.16 server is ready: its game thread answers get_episode_info, which needs a loaded town.
# An open port is not enough, since it opens before the town is loaded. Needs bash and coreutils only.
#
#   docker/ready.sh [HOST [PORT]]      exit code 0 ready, 1 not
host=${1:-127.0.0.1} port=${2:-2000}
# MessagePack-RPC: [0, 1, "get_episode_info", [[false]]]; ready answers begin [1, 1, nil, [[1, ...
exec 3<>"/dev/tcp/$host/$port" || exit 1
printf '\x94\x00\x01\xb0get_episode_info\x91\x91\xc2' >&3
answer=$(timeout 3 head -c 7 <&3 | od -An -tx1 | tr -d ' \n')
[ "$answer" = 940101c0919201 ]
