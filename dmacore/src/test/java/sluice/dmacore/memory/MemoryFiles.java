package sluice.dmacore.memory;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.budget.Resource;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;

import static org.assertj.core.api.Assertions.assertThat;

/** Memory files for tests, and a budget and a table of mappings that are a test's own. */
public final class MemoryFiles {
    private static final int LIMIT_SECONDS = 60;

    final Budget budget;
    final FileMappings mappings;
    private final int openBefore = Fd.openCount();

    public MemoryFiles(int budget) {
        this.budget = Budget.of(Resource.MAPPINGS, budget);
        this.mappings = new FileMappings(this.budget);
    }

    private MemoryFiles(Budget budget, Scratch.Source scratch) {
        this.budget = budget;
        mappings = new FileMappings(budget, scratch);
    }

    /** Those of one thread, whose scratch memory is not in files, and costs no system calls. */
    public static MemoryFiles ofOneThread(int budget) {
        return new MemoryFiles(Budget.of(Resource.MAPPINGS, budget), (_, bytes, _) -> ConfinedFile.scratch(bytes));
    }

    public FileMappings mappings() {
        return mappings;
    }

    static Fd file(long bytes) throws IOException {
        Fd fd = Memfd.create("test", Memfd.ALLOW_SEALING);
        Memfd.resize(fd, bytes);
        return fd;
    }

    /** A mapped file without other references. */
    public FileMapping mapping(long bytes) throws IOException {
        try (Fd fd = file(bytes)) {
            return mappings.map(fd);
        }
    }

    /** A mapped file whose bytes differ from those of its other pages and of files with another {@code seed}. */
    public FileMapping filled(long bytes, int seed) throws IOException {
        FileMapping mapping = mapping(bytes);
        byte[] content = new byte[(int) bytes];
        new Random(seed).nextBytes(content);
        mapping.segment().copyFrom(MemorySegment.ofArray(content));
        return mapping;
    }

    /** Mappings there are. */
    long mapped() {
        return budget.used(Resource.MAPPINGS);
    }

    /** Waits, not for ever, until everything is unmapped: that happens on another thread. */
    public void awaitUnmapped() {
        await("unmapping " + mapped() + " mappings", () -> mapped() == 0 && mappings.count() == 0);
    }

    /** The same, and no descriptor is open that was not when this was made. */
    void assertNothingIsLeft() {
        awaitUnmapped();
        assertThat(Fd.openCount()).as("descriptors").isEqualTo(openBefore);
    }

    public static void await(String what, BooleanSupplier condition) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - end > 0)
                throw new AssertionError("%s did not happen within %d s".formatted(what, LIMIT_SECONDS));
            LockSupport.parkNanos(100_000);
        }
    }
}
