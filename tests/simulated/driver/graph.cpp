// Capture, and graphs. A capture makes nodes of what is queued, in the order that streams and events give; a replay runs them
// in any order that this order allows, in turns with the other streams. What a capture forbids is refused and spoils it, as the
// driver does; what would read memory of the host that nobody keeps is a violation besides.
#include "stream.h"

enum CaptureCode {
    CAPTURE_UNSUPPORTED = 900,
    CAPTURE_INVALIDATED = 901,
    CAPTURE_MERGE = 902,
    CAPTURE_UNMATCHED = 903,
    CAPTURE_UNJOINED = 904,
    CAPTURE_ISOLATION = 905,
    CAPTURED_EVENT = 907,
    CAPTURE_WRONG_THREAD = 908,
};
enum Mode { GLOBAL = 0, THREAD_LOCAL = 1, RELAXED = 2 };

struct Node {
    const char* name;
    void (*run)(void*);
    void* data;
    void (*destroy)(void*);
    std::set<size_t> after;
};

struct Graph {
    std::vector<Node> nodes;

    Graph() = default;
    Graph(const Graph&) = delete;
    ~Graph() {
        for (const Node& node : nodes) {
            node.destroy(node.data);
        }
    }
};

struct Capture {
    std::shared_ptr<Graph> graph;
    Stream* origin;
    Mode mode;
    std::thread::id thread;
    bool is_spoilt;
    std::set<Stream*> streams;
};

namespace {
// A graph made ready: replays of it come one after the other, whatever streams they are on.
struct Executable {
    std::shared_ptr<Graph> graph;
    uint64_t started, finished;
};

std::map<void*, std::shared_ptr<Graph>> graphs;
std::map<void*, std::shared_ptr<Executable>> executables;
std::set<std::shared_ptr<Capture>> captures;

int spoil(Capture& capture, int code) {
    capture.is_spoilt = true;
    return code;
}

std::shared_ptr<Replay> replay(const std::shared_ptr<Executable>& executable) {
    const uint64_t ticket = executable->started++;
    const auto done = std::make_shared<std::set<size_t>>();
    const auto replay = std::make_shared<Replay>();
    replay->is_runnable = [=] { return executable->finished == ticket; };
    replay->step = [=] {
        const std::vector<Node>& nodes = executable->graph->nodes;
        std::vector<size_t> ready;
        for (size_t i = 0; i < nodes.size(); i++) {
            bool is_ready = !done->count(i);
            for (const size_t before : nodes[i].after) {
                is_ready = is_ready && done->count(before);
            }
            if (is_ready) {
                ready.push_back(i);
            }
        }
        if (!ready.empty()) {
            const size_t chosen = ready[random_number(ready.size())];
            simulated_pass(1e-3);
            nodes[chosen].run(nodes[chosen].data);
            done->insert(chosen);
        }
        const bool is_over = done->size() == nodes.size();
        executable->finished += is_over;
        return is_over;
    };
    return replay;
}

// Whether everything captured comes before the end of the stream that the capture began on.
bool is_joined(const Capture& capture) {
    std::set<size_t> before = capture.origin->last;
    for (size_t i = capture.graph->nodes.size(); i-- > 0;) {
        if (before.count(i)) {
            before.insert(capture.graph->nodes[i].after.begin(), capture.graph->nodes[i].after.end());
        }
    }
    return before.size() == capture.graph->nodes.size();
}
} // namespace

void add_node(Stream& stream, const char* name, void (*run)(void*), void* data, void (*destroy)(void*)) {
    std::vector<Node>& nodes = stream.capture->graph->nodes;
    nodes.push_back({name, run, data, destroy, stream.last});
    stream.last = {nodes.size() - 1};
}

void mark(Stream& stream, Event& event) {
    event.capture = stream.capture;
    event.last = stream.last;
}

int join(Stream& stream, const Event& event) {
    if (!event.capture || !captures.count(event.capture)) {
        return stream.capture ? spoil(*stream.capture, CAPTURE_ISOLATION) : CAPTURED_EVENT;
    }
    if (stream.capture && stream.capture != event.capture) {
        spoil(*event.capture, CAPTURE_MERGE);
        return spoil(*stream.capture, CAPTURE_MERGE);
    }
    if (!stream.capture) {
        stream.capture = event.capture;
        stream.capture->streams.insert(&stream);
        stream.last.clear();
    }
    stream.last.insert(event.last.begin(), event.last.end());
    return OK;
}

int refuse_in_capture(const char* function) {
    int code = OK;
    for (const auto& capture : captures) {
        if (capture->mode == GLOBAL || (capture->mode == THREAD_LOCAL && capture->thread == std::this_thread::get_id())) {
            violation("%s is called during a capture", function);
            code = spoil(*capture, CAPTURE_UNSUPPORTED);
        }
    }
    return code;
}

int refuse_while_captured(Stream& stream, const char* function) {
    if (!stream.capture) {
        return OK;
    }
    violation("%s is called on a stream that is captured", function);
    return spoil(*stream.capture, CAPTURE_UNSUPPORTED);
}

int refuse_on_captured_stream(void* handle, const char* function) {
    Stream* stream = find_stream(handle);
    return stream ? refuse_while_captured(*stream, function) : INVALID_HANDLE;
}

int refuse_captured(const Event& event, const char* function) {
    if (!event.capture) {
        return OK;
    }
    violation("%s is called on an event recorded in a capture", function);
    return spoil(*event.capture, CAPTURED_EVENT);
}

void check_graphs() {
    if (!graphs.empty() || !executables.empty() || !captures.empty()) {
        violation("%zu graphs, %zu executable graphs and %zu captures are left", graphs.size(), executables.size(),
                  captures.size());
    }
}

void forget_graphs() {
    graphs.clear();
    executables.clear();
    captures.clear();
}

EXPORTED int cuStreamBeginCapture_v2(void* handle, int mode) {
    LOCKED;
    ENTER("cuStreamBeginCapture_v2", 1);
    Stream* stream = find_stream(handle);
    if (!stream || mode < GLOBAL || mode > RELAXED) {
        return stream ? INVALID_VALUE : INVALID_HANDLE;
    }
    if (stream->capture) {
        return spoil(*stream->capture, CAPTURE_UNSUPPORTED);
    }
    const auto capture = std::make_shared<Capture>(
        Capture{std::make_shared<Graph>(), stream, (Mode)mode, std::this_thread::get_id(), false, {stream}});
    captures.insert(stream->capture = capture);
    stream->last.clear();
    return OK;
}

EXPORTED int cuStreamEndCapture(void* handle, void** graph) {
    LOCKED;
    ENTER("cuStreamEndCapture", 1);
    *graph = nullptr;
    Stream* stream = find_stream(handle);
    if (!stream) {
        return INVALID_HANDLE;
    }
    const std::shared_ptr<Capture> capture = stream->capture;
    if (!capture || capture->origin != stream) {
        return capture ? spoil(*capture, CAPTURE_UNMATCHED) : CAPTURE_UNMATCHED;
    }
    if (capture->mode != RELAXED && capture->thread != std::this_thread::get_id()) {
        return spoil(*capture, CAPTURE_WRONG_THREAD);
    }
    const bool joined = is_joined(*capture);
    for (Stream* captured : capture->streams) {
        captured->capture = nullptr;
    }
    captures.erase(capture);
    if (capture->is_spoilt || !joined) {
        return capture->is_spoilt ? CAPTURE_INVALIDATED : CAPTURE_UNJOINED;
    }
    graphs[*graph = capture->graph.get()] = capture->graph;
    return OK;
}

EXPORTED int cuStreamIsCapturing(void* handle, int* status) {
    LOCKED;
    ENTER("cuStreamIsCapturing", 1);
    Stream* stream = find_stream(handle);
    if (!stream) {
        return INVALID_HANDLE;
    }
    *status = !stream->capture ? 0 : stream->capture->is_spoilt ? 2 : 1;
    return OK;
}

// An event that a replay records: cuEventRecord in a capture is a dependency and no more.
EXPORTED int cuEventRecordWithFlags(void* event_handle, void* handle, unsigned flags) {
    LOCKED;
    ENTER("cuEventRecordWithFlags", 1);
    const unsigned EXTERNAL = 1;
    Stream* stream = find_stream(handle);
    Event* event = find_event(event_handle);
    if (!stream || !event) {
        return INVALID_HANDLE;
    }
    if (!stream->capture || flags != EXTERNAL) {
        violation("cuEventRecordWithFlags is for captures here, and flag %u for external events", EXTERNAL);
        return INVALID_VALUE;
    }
    const auto record = [](void* data) {
        Event& event = *(Event*)data;
        pass(event, ++event.recorded);
    };
    add_node(*stream, "record", record, event, [](void*) {});
    return OK;
}

EXPORTED int cuGraphGetNodes(void* handle, void** nodes, size_t* count) {
    LOCKED;
    ENTER("cuGraphGetNodes", 1);
    const auto found = graphs.find(handle);
    if (found == graphs.end() || nodes) {
        violation("%p is no graph whose nodes can be counted", handle);
        return INVALID_VALUE;
    }
    *count = found->second->nodes.size();
    return OK;
}

EXPORTED int cuGraphInstantiateWithFlags(void** handle, void* graph, unsigned long long) {
    LOCKED;
    ENTER("cuGraphInstantiateWithFlags", 1);
    const auto found = graphs.find(graph);
    if (found == graphs.end()) {
        violation("%p is no graph, or one that was destroyed", graph);
        return INVALID_VALUE;
    }
    const auto executable = std::make_shared<Executable>(Executable{found->second, 0, 0});
    executables[*handle = executable.get()] = executable;
    return OK;
}

EXPORTED int cuGraphLaunch(void* handle, void* stream_handle) {
    LOCKED;
    ENTER("cuGraphLaunch", 1);
    Stream* stream = find_stream(stream_handle);
    const auto found = executables.find(handle);
    if (!stream || found == executables.end()) {
        violation("%p is no executable graph, or one that was destroyed, or its stream is none", handle);
        return INVALID_VALUE;
    }
    if (const int code = refuse_while_captured(*stream, "cuGraphLaunch")) {
        return code;
    }
    if (simulated_executes()) {
        Work work;
        work.name = "graph";
        work.replay = replay(found->second);
        stream->work.push_back(work);
    }
    return OK;
}

// What is queued keeps the nodes: only the handle goes.
EXPORTED int cuGraphExecDestroy(void* handle) {
    LOCKED;
    ENTER("cuGraphExecDestroy", 1);
    if (!executables.erase(handle)) {
        violation("%p is no executable graph, or one that was destroyed", handle);
        return INVALID_VALUE;
    }
    return OK;
}

EXPORTED int cuGraphDestroy(void* handle) {
    LOCKED;
    ENTER("cuGraphDestroy", 1);
    if (!graphs.erase(handle)) {
        violation("%p is no graph, or one that was destroyed", handle);
        return INVALID_VALUE;
    }
    return OK;
}
