package sluice.vdev.gpu;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import sluice.dmacore.budget.Budget;

import static org.assertj.core.api.Assertions.assertThat;

class ScanoutsTest {
    private final List<String> told = new ArrayList<>();
    private final Notes notes = new Notes();
    private final Scanouts scanouts = new Scanouts(notes,
            new Painter(notes, Budget.ofProcess().own(), new GpuStatistics()), Scanouts.MAX,
            3 * 100 * 80 * PixelFormat.BYTES);
    private final HostCopy large = resource(1, 100, 80);
    private final HostCopy other = resource(2, 100, 80);

    /** A display that notes what it is told about scan-outs. */
    private final class Notes implements Display {
        @Override
        public void setListener(Listener listener) {
            told.add("listener");
        }

        @Override
        public boolean isCongested() {
            return false;
        }

        @Override
        public boolean isWatched() {
            return true;
        }

        @Override
        public void setScanout(int scanout, int width, int height) {
            told.add("%d is %d×%d".formatted(scanout, width, height));
        }

        @Override
        public boolean update(int scanout, long x, long y, HostImage image, Rectangle source, Runnable sent) {
            told.add("%d shows %s at %d,%d".formatted(scanout, source, x, y));
            sent.run();
            return true;
        }

        @Override
        public void displayInfo(Consumer<byte[]> answer) {
            told.add("displayInfo");
        }

        @Override
        public void edid(int scanout, Consumer<byte @Nullable []> answer) {
            told.add("edid");
        }

        @Override
        public void setCursor(int scanout, int x, int y, int hotX, int hotY, int[] pixels) {
            told.add("setCursor");
        }

        @Override
        public void moveCursor(int scanout, int x, int y) {
            told.add("moveCursor");
        }

        @Override
        public void hideCursor(int scanout, int x, int y) {
            told.add("hideCursor");
        }
    }

    private static HostCopy resource(int id, int width, int height) {
        return new HostCopy(id, PixelFormat.B8G8R8X8, new HostImage(width, height));
    }

    @AfterEach
    void releaseImages() {
        large.image().release();
        other.image().release();
    }

    private void show(int id, HostCopy resource, Rectangle part) {
        scanouts.show(id, resource, resource.image(), part);
    }

    private void assertTold(String... expected) {
        assertThat(told).containsExactly(expected);
        told.clear();
    }

    @Test
    void theDisplayIsToldASizeOnlyWhenItChanges() {
        Rectangle all = new Rectangle(0, 0, 100, 80);
        show(0, large, all);
        assertTold("0 is 100×80");
        show(0, other, all); // a flip of pages
        show(0, other, all);
        assertTold();
        assertThat(scanouts.get(0)).isEqualTo(new Scanouts.Shown(other, other.image(), all));
        show(0, large, new Rectangle(3, 4, 50, 60));
        assertTold("0 is 50×60");
        show(0, large, new Rectangle(30, 10, 50, 60)); // panned
        assertTold();
        assertThat(scanouts.get(0)).isEqualTo(new Scanouts.Shown(large, large.image(), new Rectangle(30, 10, 50, 60)));
        show(15, large, all);
        assertTold("15 is 100×80");
    }

    @Test
    void whatIsOffIsSwitchedOffOnlyOnce() {
        scanouts.switchOff(3);
        assertTold();
        show(3, large, new Rectangle(0, 0, 1, 1));
        scanouts.switchOff(3);
        scanouts.switchOff(3);
        assertTold("3 is 1×1", "3 is 0×0");
        assertThat(scanouts.get(3)).isNull();
        show(3, large, new Rectangle(0, 0, 1, 1));
        assertTold("3 is 1×1");
    }

    @Test
    void aResourceThatGoesAwayGoesDarkWhereverItIsShown() {
        show(0, large, new Rectangle(0, 0, 10, 10));
        show(1, other, new Rectangle(0, 0, 10, 10));
        show(2, large, new Rectangle(5, 5, 20, 20));
        told.clear();
        scanouts.forget(large);
        assertTold("0 is 0×0", "2 is 0×0");
        scanouts.switchAllOff();
        assertTold("1 is 0×0");
    }

    @Test
    void aDisplayThatConnectsAnewIsToldAll() {
        show(4, large, new Rectangle(1, 2, 30, 40));
        show(2, other, new Rectangle(0, 0, 100, 80));
        told.clear();
        scanouts.showAll();
        assertTold("2 is 100×80", "2 shows 100×80 at 0,0 at 0,0", "4 is 30×40", "4 shows 30×40 at 1,2 at 0,0");
    }

    @Test
    void thoseThatAreOnAreCounted() {
        assertThat(scanouts.countOn()).isZero();
        show(4, large, new Rectangle(1, 2, 30, 40));
        show(2, other, new Rectangle(0, 0, 100, 80));
        assertThat(scanouts.countOn()).isEqualTo(2);
        scanouts.switchOff(4);
        assertThat(scanouts.countOn()).isEqualTo(1);
    }

    /** QEMU keeps a picture of each scan-out, though all show the same resource. */
    @Test
    void allTogetherShowNoMoreThanThereIsMemory() {
        Rectangle all = new Rectangle(0, 0, 100, 80);
        for (int id = 0; id < 3; id++) {
            assertThat(scanouts.hasRoomFor(id, all)).isTrue();
            show(id, large, all);
        }
        assertThat(scanouts.hasRoomFor(3, new Rectangle(0, 0, 1, 1))).isFalse();
        assertThat(scanouts.hasRoomFor(2, all)).as("in place of what it shows").isTrue();
        show(2, large, new Rectangle(0, 0, 50, 80));
        assertThat(scanouts.hasRoomFor(3, new Rectangle(0, 0, 50, 80))).isTrue();
        assertThat(scanouts.hasRoomFor(3, new Rectangle(0, 0, 51, 80))).isFalse();
        scanouts.switchOff(0);
        assertThat(scanouts.hasRoomFor(3, all)).isTrue();
    }
}
