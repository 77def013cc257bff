package sluice.vdev.gpu;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Random;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.budget.Resource;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.memory.Runs;

/** A mapped file of noise, out of which tests cut scattered pieces. */
final class ScatteredMemory implements AutoCloseable {
    private static final int BYTES = 1 << 20;

    private final FileMapping mapping;
    private final byte[] content = new byte[BYTES];
    private final Random random;

    ScatteredMemory(long seed) throws IOException {
        random = new Random(seed);
        try (Fd fd = Memfd.create("scattered", Memfd.ALLOW_SEALING)) {
            Memfd.resize(fd, BYTES);
            mapping = new FileMappings(Budget.of(Resource.MAPPINGS, 1)).map(fd);
        }
        random.nextBytes(content);
        mapping.segment().copyFrom(MemorySegment.ofArray(content));
    }

    /** What some runs hold, read as one stretch. */
    record Stretch(Runs runs, byte[] bytes) {}

    /** {@code length} bytes in pieces of 1 to {@code longest} bytes from anywhere. */
    Stretch cut(int length, int longest) {
        Runs runs = new Runs();
        byte[] bytes = new byte[length];
        int done = 0;
        while (done < length) {
            int piece = Math.min(length - done, 1 + random.nextInt(longest));
            int offset = random.nextInt(BYTES - piece);
            runs.add(mapping, offset, piece);
            System.arraycopy(content, offset, bytes, done, piece);
            done += piece;
        }
        return new Stretch(runs, bytes);
    }

    @Override
    public void close() {
        mapping.release();
    }
}
