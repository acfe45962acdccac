// Modules, and launches: arguments are checked when a kernel is launched, and its blocks run when the stream comes to it.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <string>
#include <unistd.h>

#include "../kernel.h"
#include "block.h"
#include "state.h"

namespace {
struct Module {
    void* library;
    const SimulatedUnit* unit;
    int declared_shared;
};
const int MOST_THREADS = 1024, USUAL_SHARED = 48 << 10, MOST_SHARED = 227 << 10;

struct Function {
    const SimulatedUnit* unit;
    const SimulatedKernel* kernel;
    // Bytes of shared memory that it declares, and that a launch may ask for beside that.
    int declared, most_asked;
};
struct Launch {
    Function function;
    SimulatedIndex grid, block;
    unsigned shared_bytes;
    std::vector<uint64_t> words;
    std::vector<void*> parameters;
};

std::map<void*, Module*> modules;
std::map<void*, Function*> functions;

void run(void* data) {
    Launch& launch = *(Launch*)data;
    run_blocks(*launch.function.unit, *launch.function.kernel, launch.grid, launch.block, launch.shared_bytes,
               launch.parameters.data());
}

bool are_pointers_living(const SimulatedKernel& kernel, void** parameters) {
    for (unsigned i = 0; i < kernel.parameters; i++) {
        char* start;
        void* pointer = kernel.is_pointer[i] ? *(void**)parameters[i] : nullptr;
        if (pointer && !find_allocation(pointer, &start)) {
            violation("argument %u of %s, %p, leads to no living allocation", i, kernel.name, pointer);
            return false;
        }
    }
    return true;
}
} // namespace

// What is loaded stays so: a queued launch may run in it.
void forget_modules() {
    modules.clear();
    functions.clear();
}

void check_modules() {
    if (!modules.empty()) {
        violation("%zu modules are still loaded", modules.size());
    }
}

EXPORTED int cuModuleLoadData(void** handle, const void* image) {
    LOCKED;
    ENTER("cuModuleLoadData", 1);
    if (const int code = refuse_in_capture("cuModuleLoadData")) {
        return code;
    }
    SimulatedImage head;
    memcpy(head.magic, image, sizeof head.magic);
    const bool is_code = !memcmp(head.magic, SIMULATED_CODE, 8), is_ptx = !memcmp(head.magic, SIMULATED_PTX, 8);
    if (!is_code && !is_ptx) {
        return INVALID_IMAGE;
    }
    memcpy(&head, image, sizeof head);
    const unsigned device = environment("SIMULATED_CUDA_CAPABILITY", 90);
    if (is_code ? head.architecture != device : head.architecture > device) {
        return NO_BINARY;
    }
    // The loader knows a file by its name: each has one of its own.
    static unsigned loaded = 0;
    const char* folder = getenv("TMPDIR");
    const std::string path = std::string(folder ? folder : "/tmp") + "/simulated_cuda_" + std::to_string(getpid()) + "_" +
                             std::to_string(loaded++) + ".so";
    FILE* file = fopen(path.c_str(), "wb");
    const bool written = file && fwrite((const char*)image + sizeof head, head.bytes, 1, file) == 1;
    if (file) {
        fclose(file);
    }
    void* library = written ? dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL) : nullptr;
    remove(path.c_str());
    if (!library) {
        fprintf(stderr, "simulated cuda: %s\n", dlerror());
        return INVALID_IMAGE;
    }
    Module* module = new Module{library, (const SimulatedUnit*)dlsym(library, "simulated_unit"), (int)head.shared_bytes};
    modules[*handle = module] = module;
    return OK;
}

EXPORTED int cuModuleUnload(void* handle) {
    LOCKED;
    ENTER("cuModuleUnload", 1);
    if (const int code = refuse_in_capture("cuModuleUnload")) {
        return code;
    }
    run_all();
    const auto found = modules.find(handle);
    if (found == modules.end()) {
        violation("%p is no module, or one that was unloaded", handle);
        return INVALID_HANDLE;
    }
    for (auto entry = functions.begin(); entry != functions.end();) {
        entry = entry->second->unit == found->second->unit ? functions.erase(entry) : std::next(entry);
    }
    dlclose(found->second->library);
    modules.erase(found);
    return OK;
}

EXPORTED int cuModuleGetFunction(void** handle, void* module_handle, const char* name) {
    LOCKED;
    ENTER("cuModuleGetFunction", 1);
    const auto found = modules.find(module_handle);
    if (found == modules.end()) {
        return INVALID_HANDLE;
    }
    const SimulatedUnit* unit = found->second->unit;
    for (unsigned i = 0; i < unit->count; i++) {
        if (!strcmp(unit->kernels[i].name, name)) {
            const int declared = found->second->declared_shared;
            Function* function = new Function{unit, &unit->kernels[i], declared, USUAL_SHARED - declared};
            functions[*handle = function] = function;
            return OK;
        }
    }
    return NOT_FOUND;
}

EXPORTED int cuFuncGetAttribute(int* value, unsigned attribute, void* handle) {
    LOCKED;
    ENTER("cuFuncGetAttribute", 1);
    const auto found = functions.find(handle);
    if (found == functions.end()) {
        return INVALID_HANDLE;
    }
    switch (attribute) {
    case 0: *value = MOST_THREADS; return OK;               // threads in a block
    case 1: *value = found->second->declared; return OK;    // bytes of shared memory declared
    case 8: *value = found->second->most_asked; return OK;  // bytes of shared memory that a launch may ask for
    default: violation("function attribute %u is not simulated", attribute); return INVALID_VALUE;
    }
}

EXPORTED int cuFuncSetAttribute(void* handle, unsigned attribute, int value) {
    LOCKED;
    ENTER("cuFuncSetAttribute", 1);
    const auto found = functions.find(handle);
    if (found == functions.end()) {
        return INVALID_HANDLE;
    }
    if (attribute != 8 || value < 0 || value + found->second->declared > MOST_SHARED) {
        violation("%s is to have %d for attribute %u", found->second->kernel->name, value, attribute);
        return INVALID_VALUE;
    }
    found->second->most_asked = value;
    return OK;
}

EXPORTED int cuLaunchKernel(void* handle, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                            unsigned block_y, unsigned block_z, unsigned shared_bytes, void* stream, void** parameters,
                            void**) {
    LOCKED;
    ENTER("cuLaunchKernel", 1);
    const auto found = functions.find(handle);
    if (found == functions.end()) {
        violation("%p is no function, or one whose module was unloaded", handle);
        return INVALID_HANDLE;
    }
    const Function& function = *found->second;
    const bool fits = grid_x && grid_y && grid_z && block_x && block_y && block_z && grid_x <= 0x7fffffff &&
                      grid_y <= 65535 && grid_z <= 65535 && block_z <= 64 && (uint64_t)block_x * block_y * block_z <= MOST_THREADS &&
                      (int64_t)shared_bytes <= function.most_asked;
    if (!fits) {
        violation("%s is launched with %u x %u x %u blocks of %u x %u x %u threads and %u bytes", function.kernel->name,
                  grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_bytes);
        return INVALID_VALUE;
    }
    note_launch(function.kernel->name);
    if (!simulated_executes()) {
        return OK;
    }
    if (!are_pointers_living(*function.kernel, parameters)) {
        make_sticky(ILLEGAL_ADDRESS);
        return ILLEGAL_ADDRESS;
    }
    Launch* launch = new Launch{function, {grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, shared_bytes, {}, {}};
    copy_parameters(*function.kernel, parameters, launch->words, launch->parameters);
    simulated_enqueue(stream, function.kernel->name, run, launch, [](void* data) { delete (Launch*)data; });
    return OK;
}
