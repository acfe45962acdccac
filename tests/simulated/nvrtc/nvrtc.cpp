// The simulated compiler: the machine's own C++ compiler behind NVRTC's interface.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <unistd.h>

#include "../core.h"
#include "../kernel.h"

namespace {
enum Code { OK = 0, INVALID_INPUT = 3, INVALID_OPTION = 5, COMPILATION = 6 };
const int ARCHITECTURES[] = {75, 80, 86, 89, 90, 100, 120};

struct Program {
    std::string source, log, code;
    uint32_t architecture = 0, shared_bytes = 0;
    bool is_virtual = false;
};

// The folder this library is in: the shim lies beside it.
std::string home() {
    Dl_info info;
    dladdr((void*)home, &info);
    const std::string path = info.dli_fname;
    return path.substr(0, path.rfind('/'));
}

std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

const std::regex KERNEL(R"re(extern "C" __global__ void\s+(?:__launch_bounds__\([^)]*\)\s+)?(\w+)\s*\()re");

template <class T> T part(const std::string& library, size_t start) {
    T value;
    memcpy(&value, library.data() + start, sizeof value);
    return value;
}

// Bytes of shared memory that the kernels of a unit declare together: all that is not in the library's file.
uint32_t declared_shared(const std::string& library) {
    const auto head = part<Elf64_Ehdr>(library, 0);
    const auto section = [&](size_t i) { return part<Elf64_Shdr>(library, head.e_shoff + i * head.e_shentsize); };
    uint32_t bytes = 0;
    for (size_t i = 0; i < head.e_shnum; i++) {
        const Elf64_Shdr symbols = section(i);
        for (size_t at = 0; symbols.sh_type == SHT_SYMTAB && at < symbols.sh_size; at += sizeof(Elf64_Sym)) {
            const auto symbol = part<Elf64_Sym>(library, symbols.sh_offset + at);
            const bool is_object = ELF64_ST_TYPE(symbol.st_info) == STT_OBJECT && symbol.st_shndx < head.e_shnum;
            bytes += is_object && section(symbol.st_shndx).sh_type == SHT_NOBITS ? symbol.st_size : 0;
        }
    }
    return bytes;
}

// What the assembler says when it refuses a kernel that declares more shared memory than it may: no word of an error.
std::string refused_shared(const std::string& source, uint32_t bytes) {
    std::string log;
    for (std::sregex_iterator match(source.begin(), source.end(), KERNEL), end; match != end; ++match) {
        log += "ptxas info    : Compiling entry function '" + (*match)[1].str() + "' for 'sm_90'\n" +
               "ptxas         .     0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n" +
               "ptxas info    : Used 10 registers, used 1 barriers, " + std::to_string(bytes) + " bytes smem\n";
    }
    return log;
}

// The list of kernels, behind the source: names may be macros, which are known there.
std::string table(const std::string& source) {
    std::string entries;
    unsigned count = 0;
    for (std::sregex_iterator match(source.begin(), source.end(), KERNEL), end; match != end; ++match) {
        entries += "SIMULATED_ENTRY(" + (*match)[1].str() + "),";
        count++;
    }
    bool waits = false;
    for (const char* word : {"__sync", "__shfl", "__ballot", "__any_sync", "__all_sync"}) {
        waits = waits || source.find(word) != std::string::npos;
    }
    return "\nstatic const SimulatedKernel simulated_kernels[] = {" + entries + "};\n" +
           "extern \"C\" char __bss_start[], _end[];\n" +
           "extern \"C\" __attribute__((visibility(\"default\"))) const SimulatedUnit simulated_unit = {" +
           std::to_string(count) + ", simulated_kernels, " + std::to_string(waits) +
           ", &threadIdx, &blockIdx, &blockDim, &gridDim, &simulated_runtime, __bss_start, _end};\n";
}

// Shared memory that a launch asks for is declared where it is used, as what the launch has of it.
std::string with_asked_shared(const std::string& source) {
    const std::regex declared(R"re(extern\s+__shared__\s+(\w[\w ]*?)\s*\b(\w+)\s*\[\s*\]\s*;)re");
    return std::regex_replace(source, declared, "$1* const $2 = ($1*)simulated_runtime->asked_shared();");
}

bool knows(int architecture) {
    for (int known : ARCHITECTURES) {
        if (known == architecture) {
            return true;
        }
    }
    return false;
}

bool is_option(const std::string& option) {
    for (const char* known : {"--fmad=", "--std=", "--ptxas-options=", "--define-macro=", "--generate-line-info", "--restrict"}) {
        if (option.rfind(known, 0) == 0) {
            return true;
        }
    }
    return false;
}
} // namespace

EXPORTED int nvrtcVersion(int* major, int* minor) {
    ENTER("nvrtcVersion", 0);
    *major = 13;
    *minor = 0;
    return OK;
}

EXPORTED int nvrtcGetNumSupportedArchs(int* count) {
    ENTER("nvrtcGetNumSupportedArchs", 0);
    *count = sizeof ARCHITECTURES / sizeof *ARCHITECTURES;
    return OK;
}

EXPORTED int nvrtcGetSupportedArchs(int* architectures) {
    ENTER("nvrtcGetSupportedArchs", 0);
    memcpy(architectures, ARCHITECTURES, sizeof ARCHITECTURES);
    return OK;
}

EXPORTED int nvrtcCreateProgram(void** program, const char* source, const char*, int, const char* const*,
                                const char* const*) {
    ENTER("nvrtcCreateProgram", 0);
    Program* made = new Program;
    made->source = source;
    *program = made;
    return OK;
}

EXPORTED int nvrtcDestroyProgram(void** program) {
    ENTER("nvrtcDestroyProgram", 0);
    delete (Program*)*program;
    *program = nullptr;
    return OK;
}

EXPORTED int nvrtcCompileProgram(void* handle, int count, const char* const* options) {
    ENTER("nvrtcCompileProgram", 0);
    Program& program = *(Program*)handle;
    for (int i = 0; i < count; i++) {
        int architecture = 0;
        const bool is_code = sscanf(options[i], "--gpu-architecture=sm_%d", &architecture) == 1;
        const bool is_virtual = sscanf(options[i], "--gpu-architecture=compute_%d", &architecture) == 1;
        program.is_virtual |= is_virtual;
        if (is_code || is_virtual ? !knows(architecture) : !is_option(options[i])) {
            program.log = std::string("unknown option ") + options[i];
            return INVALID_OPTION;
        }
        program.architecture = architecture ? architecture : program.architecture;
    }
    char folder[] = "/tmp/simulated_nvrtc_XXXXXX";
    if (!mkdtemp(folder)) {
        return COMPILATION;
    }
    const std::string base = folder;
    std::ofstream(base + "/unit.cpp") << with_asked_shared(program.source) << table(program.source);
    const char* named = getenv("CXX");
    const std::string command = std::string(named && *named ? named : "c++") +
                                " -std=c++17 -O1 -w -fPIC -shared -nostdlib -fno-exceptions -fno-rtti -fvisibility=hidden"
                                " -fno-threadsafe-statics -ffp-contract=off"
                                // A misaligned address and an index outside an array stop the process.
                                " -fsanitize=alignment,bounds -fsanitize-undefined-trap-on-error -I '" +
                                home() + "' -include shim.h '" + base + "/unit.cpp' -o '" + base + "/unit.so' -lm > '" +
                                base + "/log' 2>&1";
    const int status = system(command.c_str());
    program.log = read(base + "/log");
    program.code = status == 0 ? read(base + "/unit.so") : "";
    for (const char* name : {"/unit.cpp", "/unit.so", "/log"}) {
        unlink((base + name).c_str());
    }
    rmdir(folder);
    program.shared_bytes = status == 0 ? declared_shared(program.code) : 0;
    if (program.shared_bytes > 48 << 10) {
        program.log += refused_shared(program.source, program.shared_bytes);
        program.code.clear();
        return COMPILATION;
    }
    return status == 0 ? OK : COMPILATION;
}

EXPORTED int nvrtcGetProgramLogSize(void* handle, size_t* size) {
    ENTER("nvrtcGetProgramLogSize", 0);
    *size = ((Program*)handle)->log.size() + 1;
    return OK;
}

EXPORTED int nvrtcGetProgramLog(void* handle, char* log) {
    ENTER("nvrtcGetProgramLog", 0);
    strcpy(log, ((Program*)handle)->log.c_str());
    return OK;
}

namespace {
// There is machine code for a real architecture only.
int image_size(void* handle, size_t* size, bool of_code) {
    *size = of_code && ((Program*)handle)->is_virtual ? 0 : sizeof(SimulatedImage) + ((Program*)handle)->code.size();
    return OK;
}

int image(void* handle, char* to, const char* magic) {
    const Program& program = *(Program*)handle;
    SimulatedImage head = {{}, program.architecture, program.shared_bytes, program.code.size()};
    memcpy(head.magic, magic, sizeof head.magic);
    memcpy(to, &head, sizeof head);
    memcpy(to + sizeof head, program.code.data(), program.code.size());
    return OK;
}
} // namespace

EXPORTED int nvrtcGetCUBINSize(void* program, size_t* size) {
    ENTER("nvrtcGetCUBINSize", 0);
    return image_size(program, size, true);
}

EXPORTED int nvrtcGetCUBIN(void* program, char* to) {
    ENTER("nvrtcGetCUBIN", 0);
    return ((Program*)program)->is_virtual ? INVALID_INPUT : image(program, to, SIMULATED_CODE);
}

EXPORTED int nvrtcGetPTXSize(void* program, size_t* size) {
    ENTER("nvrtcGetPTXSize", 0);
    return image_size(program, size, false);
}

EXPORTED int nvrtcGetPTX(void* program, char* to) {
    ENTER("nvrtcGetPTX", 0);
    return image(program, to, SIMULATED_PTX);
}
