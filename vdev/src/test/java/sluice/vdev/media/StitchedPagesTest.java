package sluice.vdev.media;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

import org.junit.jupiter.api.Test;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.budget.Resource;
import sluice.dmacore.budget.Share;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.linux.Mman;
import sluice.dmacore.linux.Seals;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.memory.Runs;

import static org.assertj.core.api.Assertions.assertThat;

class StitchedPagesTest {
    private static final long PAGE = Mman.pageSize();

    private static FileMapping file(long pages, boolean sealed) throws Exception {
        try (Fd fd = Memfd.create("pages", Memfd.ALLOW_SEALING)) {
            Memfd.resize(fd, pages * PAGE);
            if (sealed) Seals.add(fd, Seals.SHRINK | Seals.GROW);
            return FileMappings.ofProcess().map(fd);
        }
    }

    private static Runs everyOther(FileMapping file, int pieces) {
        Runs runs = new Runs();
        for (int i = pieces - 1; i >= 0; i--) runs.add(file, 2L * i * PAGE, PAGE);
        return runs;
    }

    @Test
    void scatteredPagesAreOnePieceUntilTheyAreTakenAway() throws Exception {
        FileMapping file = file(8, true);
        try (Share share = Budget.ofProcess().share("stitched")) {
            StitchedPages pages = Objects.requireNonNull(StitchedPages.of(everyOther(file, 4), share));
            assertThat(share.used(Resource.MAPPINGS)).isEqualTo(5);
            MemorySegment memory = pages.memory();
            for (int i = 0; i < 4; i++) memory.set(ValueLayout.JAVA_INT, i * PAGE + 8, 10 + i);
            for (int i = 0; i < 4; i++)
                assertThat(file.segment().get(ValueLayout.JAVA_INT, 2L * i * PAGE + 8)).isEqualTo(13 - i);
            pages.takeAway();
            assertThat(memory.get(ValueLayout.JAVA_INT, 8)).as("zeros").isZero();
            memory.set(ValueLayout.JAVA_INT, 8, 99);
            assertThat(file.segment().get(ValueLayout.JAVA_INT, 6 * PAGE + 8)).as("the guest's page").isEqualTo(10);
            pages.close();
            while (share.used(Resource.MAPPINGS) > 0)
                Thread.onSpinWait();
        }
        file.release();
    }

    @Test
    void whatCannotBeOnePieceIsRefused() throws Exception {
        FileMapping file = file(2L * StitchedPages.MOST_PIECES + 2, true);
        FileMapping shrinkable = file(2, false);
        try (Share share = Budget.ofProcess().share("stitched")) {
            assertThat(StitchedPages.of(everyOther(file, StitchedPages.MOST_PIECES + 1), share)).as("pieces").isNull();
            Runs odd = new Runs();
            odd.add(file, 64, PAGE);
            assertThat(StitchedPages.of(odd, share)).as("not whole pages").isNull();
            Runs cut = new Runs();
            cut.add(file, 0, PAGE / 2);
            cut.add(file, 4 * PAGE, PAGE);
            assertThat(StitchedPages.of(cut, share)).as("a hole in the middle").isNull();
            assertThat(StitchedPages.of(everyOther(shrinkable, 1), share)).as("may be truncated").isNull();
            assertThat(StitchedPages.of(new Runs(), share)).as("nothing").isNull();
            assertThat(share.used(Resource.MAPPINGS)).isZero();
        }
        shrinkable.release();
        file.release();
    }
}
