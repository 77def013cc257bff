package sluice.bench.dmacore;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;

import sluice.dmacore.memory.Runs;

/** What C needs to write the lines of some runs back, compiled on the spot. */
final class CWriteBack implements AutoCloseable {
    private static final String SOURCE = """
            #include <immintrin.h>
            #include <stdint.h>
            void write_back(const uint64_t *list, int64_t runs, int64_t fence_each) {
                for (int64_t i = 0; i < runs; i++) {
                    uint64_t end = list[2 * i] + list[2 * i + 1];
                    for (uint64_t line = list[2 * i] & ~63ull; line < end; line += 64) _mm_clwb((void *) line);
                    if (fence_each) _mm_sfence();
                }
                _mm_sfence();
            }
            """;

    private final Arena arena = Arena.ofConfined();
    private final MethodHandle function;
    private final MemorySegment list;
    private final long runs;

    private CWriteBack(Path library, Runs memory) {
        function = Linker.nativeLinker().downcallHandle(
                SymbolLookup.libraryLookup(library, arena).findOrThrow("write_back"),
                FunctionDescriptor.ofVoid(ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
        runs = memory.count();
        list = arena.allocate(16L * runs, 64);
        for (int run = 0; run < runs; run++) {
            list.setAtIndex(ValueLayout.JAVA_LONG, 2L * run,
                    memory.mapping(run).segment().address() + memory.offset(run));
            list.setAtIndex(ValueLayout.JAVA_LONG, 2L * run + 1, memory.length(run));
        }
    }

    static CWriteBack compile(Runs memory) throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("sluice-bench");
        Path source = Files.writeString(folder.resolve("write_back.c"), SOURCE);
        Path library = folder.resolve("write_back.so");
        Process compiler = new ProcessBuilder("cc", "-O2", "-mclwb", "-shared", "-fPIC", "-o", library.toString(),
                source.toString()).inheritIO().start();
        if (compiler.waitFor() != 0) throw new IOException("cc could not compile the loop: apt-get install gcc");
        CWriteBack made = new CWriteBack(library, memory);
        Files.delete(source);
        Files.delete(library);
        Files.delete(folder);
        return made;
    }

    MemorySegment run(boolean fenceEach) {
        try {
            function.invokeExact(list, runs, fenceEach ? 1L : 0L);
        } catch (Throwable e) {
            throw new IllegalStateException("the C loop failed", e);
        }
        return list;
    }

    @Override
    public void close() {
        arena.close();
    }
}
