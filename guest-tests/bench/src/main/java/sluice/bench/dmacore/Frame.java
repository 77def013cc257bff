package sluice.bench.dmacore;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.memory.Runs;

/** A picture of 1920 × 1080 in pages of 4 KiB that lie anywhere in 256 MiB. */
final class Frame {
    static final int PAGE = 4096;
    static final int PAGES = 2025;
    static final long BYTES = (long) PAGES * PAGE;
    private static final int MEMORY_PAGES = 65_536;

    final FileMapping file;
    final Runs runs = new Runs(PAGES);

    Frame() throws IOException {
        try (Fd fd = Memfd.create("bench", Memfd.ALLOW_SEALING)) {
            Memfd.resize(fd, (long) MEMORY_PAGES * PAGE);
            file = FileMappings.ofProcess().map(fd);
        }
        // Never two that are neighbours.
        List<Integer> pages = new ArrayList<>();
        for (int page = 0; page < MEMORY_PAGES; page += 2) pages.add(page);
        Collections.shuffle(pages, new Random(1));
        for (int page : pages.subList(0, PAGES)) {
            file.segment().asSlice((long) page * PAGE, PAGE).fill((byte) page);
            runs.add(file, (long) page * PAGE, PAGE);
        }
    }
}
