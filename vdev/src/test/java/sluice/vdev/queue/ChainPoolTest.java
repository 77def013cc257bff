package sluice.vdev.queue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.budget.Resource;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.memory.GuestMemory;

import static org.assertj.core.api.Assertions.assertThat;

/** The objects of a queue whose front-end has chosen a long ring, and whose driver fills it with long chains. */
class ChainPoolTest {
    private static final int PAGE = 4096;
    private static final int LONG = 1024;

    private final GuestMemory memory = GuestMemory.empty();
    private final FileMapping file = file();
    private final ChainPool pool = new ChainPool(_ -> {});

    private static FileMapping file() {
        try (Fd fd = Memfd.create("chains", 0)) {
            Memfd.resize(fd, 2L * LONG * PAGE);
            return new FileMappings(Budget.of(Resource.MAPPINGS, 1)).map(fd);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @AfterEach
    void unmap() {
        file.release();
        memory.release();
    }

    private Chain filled(int pieces) {
        Chain chain = pool.take();
        chain.clear();
        for (int i = 0; i < pieces; i++) chain.readable().add(file, 2L * i * PAGE, PAGE);
        chain.takeOff(0, 0, memory);
        return chain;
    }

    @Test
    void keepsNoMoreOfLongChainsThanItsLimit() {
        List<Chain> out = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            Chain chain = filled(LONG);
            assertThat(pool.out(chain)).isNull();
            out.add(chain);
        }
        for (Chain chain : out) {
            chain.complete(0);
            pool.back(chain);
        }
        long room = 0;
        int spare = 0;
        Chain next = pool.take();
        while (next.room() >= LONG) {
            assertThat(out).contains(next);
            room += next.room();
            spare++;
            next = pool.take();
        }
        assertThat(spare).as("long chains that are kept").isBetween(1, 200 - 1);
        assertThat(room).isLessThanOrEqualTo(ChainPool.MOST_SPARE_PIECES);
    }

    @Test
    void keepsNoMoreShortChainsThanItsLimit() {
        List<Chain> out = new ArrayList<>();
        for (int i = 0; i < 2 * ChainPool.MOST_SPARE; i++) out.add(filled(1));
        for (Chain chain : out) {
            assertThat(pool.out(chain)).isNull();
            chain.complete(0);
            pool.back(chain);
        }
        int again = 0;
        for (int i = 0; i < 2 * ChainPool.MOST_SPARE; i++) {
            if (out.contains(pool.take())) again++;
        }
        assertThat(again).isEqualTo(ChainPool.MOST_SPARE);
    }

    @Test
    void oneChainAfterTheOtherIsOneObject() {
        Chain first = filled(LONG);
        assertThat(pool.out(first)).isNull();
        first.complete(0);
        pool.back(first);
        assertThat(pool.take()).isSameAs(first);
    }

    @Test
    void refusesMoreThanTheLimitAtATimeAndCountsWhatComesBack() {
        int most = (int) (ChainPool.MOST_PIECES / LONG);
        List<Chain> out = new ArrayList<>();
        for (int i = 0; i < most; i++) {
            Chain chain = filled(LONG);
            assertThat(pool.out(chain)).as("chain %d", i).isNull();
            out.add(chain);
        }
        Chain first = out.removeFirst();
        first.complete(0);
        pool.back(first);
        out.add(filled(LONG));
        assertThat(pool.out(out.getLast())).isNull();
        out.add(filled(1));
        assertThat(pool.out(out.getLast())).isEqualTo(new Polled.Broken(
                "the driver has buffers of more than 262144 pieces with the device, which is the limit"));
        out.forEach(Chain::abandon);
    }
}
