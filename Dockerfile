# The package with its readouts in an image: pretraining, segmentation, and detection with MMCV's operators.
#
#   docker build -t poodle-mm .                                                       # operators for CPUs
#   docker build -t poodle-mm --build-arg BASE=nvidia/cuda:13.0.0-devel-ubuntu24.04 \
#       --build-arg TORCH_CUDA_ARCH_LIST=9.0 .                                        # and for GPUs, here H100
#   docker run --rm --init --gpus all --ipc=host --user "$(id -u):$(id -g)" -v "$PWD":/workspace \
#       -v "$HOME/my videos":/videos:ro poodle-mm pretrain poodle_r50_videos.py --data-root /videos
#
# Batches go through shared memory, of which Docker gives 64 MB: --ipc=host or --shm-size=8g.
# BASE is where the operators are compiled: Ubuntu 24.04, for GPUs with the nvcc of PyTorch's CUDA
# version. What runs needs no more than PyTorch's wheels and the driver.
ARG BASE=ubuntu:24.04

FROM ${BASE} AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# Compiler, headers and interpreter are the distribution's; their versions need no pins.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ python3-dev python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && python3 -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH VIRTUAL_ENV=/opt/venv PIP_NO_CACHE_DIR=1 \
    PIP_CONSTRAINT=/src/requirements/constraints.txt \
    PIP_BUILD_CONSTRAINT=/src/requirements/constraints.txt
WORKDIR /src
COPY requirements requirements
# Versions are those of the constraints.
# hadolint ignore=DL3013
RUN pip install pip setuptools && pip install torch torchvision
# Dependencies and operators before the code, so that a change of it compiles nothing.
COPY pyproject.toml ./
RUN python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
extras = p['optional-dependencies']; \
print(*p['dependencies'], *(d for e in ('seg', 'det', 'tensorboard') for d in extras[e]), sep='\n')" \
    > /tmp/dependencies.txt && pip install -r /tmp/dependencies.txt
ARG TORCH_CUDA_ARCH_LIST=
COPY tools/build_mmcv_ops.sh tools/
RUN export FORCE_CUDA=${TORCH_CUDA_ARCH_LIST:+1} POODLE_CACHE=/tmp/operators \
    && bash tools/build_mmcv_ops.sh && rm -r /tmp/operators
COPY . .
RUN pip install --no-deps . && poodle-mm --help

FROM ubuntu:24.04
# OpenCV's libraries, and the interpreter that the environment was made with.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgl1 libglib2.0-0t64 python3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --home-dir /workspace --create-home poodle
COPY --from=build /opt/venv /opt/venv
# HOME and USER also for docker run --user: weights and indices are cached in the mounted folder.
ENV PATH=/opt/venv/bin:$PATH HOME=/workspace USER=poodle \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility,video
USER 10001
WORKDIR /workspace
ENTRYPOINT ["poodle-mm"]
CMD ["--help"]
