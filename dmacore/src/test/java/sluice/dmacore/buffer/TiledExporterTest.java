package sluice.dmacore.buffer;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.UnaryOperator;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.Direction;
import sluice.iommu.Access;
import sluice.iommu.Owner;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.space.MapException;
import sluice.iommu.space.Outcome;
import sluice.iommu.tiler.Orientation;
import sluice.iommu.tiler.TileFormat;
import sluice.iommu.tiler.TiledAperture;
import sluice.iommu.tiler.TiledBlock;
import sluice.iommu.tiler.TiledReader;
import sluice.iommu.tiler.TiledView;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.dmacore.buffer.Machine.PAGE;

/**
 * A picture in tiles of 32×32 pixels, a page each, behind the 2D tiler of its exporter: a device that attaches, and knows nothing of
 * tiles, reads and writes its rows.
 */
@Tag("S9")
class TiledExporterTest {
    private static final int SIDE = 64;
    private static final int ROW = SIDE * 4;
    private static final int TILE = 32;
    /** The page of each tile, from left to right and from top to bottom. */
    private static final int[] PAGES = { 6, 1, 4, 3 };

    private final TiledAperture tiler = TiledAperture.open("dmm", UnaryOperator.identity());

    /** Shows devices the rows of a picture whose memory is tiles. */
    private final class TilingExporter implements Exporter {
        private final FileMapping ram;
        private final Orientation orientation;

        TilingExporter(FileMapping ram, Orientation orientation) {
            this.ram = ram;
            this.orientation = orientation;
        }

        @Override
        public String name() {
            return "tiler";
        }

        @Override
        public CpuWriters cpuWriters() {
            return CpuWriters.UNSEEN;
        }

        @Override
        public BufferMemory allocate(AllocationRequest request) {
            return BufferMemory.ofPages(Machine.runs(ram, PAGES), () -> {});
        }

        @Override
        public BufferMemory translate(DeviceFunction function, BufferMemory memory) {
            TargetRuns pages = new TargetRuns();
            for (int run = 0; run < memory.runs().count(); run++)
                pages.add(memory.runs().offset(run), memory.runs().length(run));
            TiledBlock block;
            try {
                block = tiler.reserve(TileFormat.BITS_32, SIDE, SIDE, pages, Permission.READ_WRITE,
                        new Owner(1, "picture"));
            } catch (MapException e) {
                throw new IllegalStateException(e);
            }
            return BufferMemory.ofPages(seen(block.view(orientation)), () -> tiler.release(block));
        }

        private Runs seen(TiledView view) {
            TargetRuns targets = new TargetRuns();
            try (TiledReader reader = tiler.openReader(); var _ = reader.enter()) {
                for (int row = 0; row < view.height(); row++) {
                    assertThat(reader.translate(view.address() + row * view.stride(), view.width() * 4L, Access.READ,
                            targets)).isEqualTo(Outcome.RESOLVED);
                }
            }
            Runs seen = new Runs();
            for (int i = 0; i < targets.count(); i++) seen.add(ram, targets.target(i), targets.length(i));
            return seen;
        }
    }

    /** Where a pixel lies in the memory, said without the tiler. */
    private static long place(int x, int y) {
        int tile = y / TILE * (SIDE / TILE) + x / TILE;
        return (long) PAGES[tile] * PAGE + (y % TILE * TILE + x % TILE) * 4L;
    }

    private static int pixel(int x, int y) {
        return y << 16 | x;
    }

    private static byte[] row(int y) {
        ByteBuffer row = ByteBuffer.allocate(ROW);
        for (int x = 0; x < SIDE; x++) row.putInt(Integer.reverseBytes(pixel(x, y)));
        return row.array();
    }

    @Test
    void rowsOfAPictureInTilesAreReadAndWrittenThroughAnAttachment() throws IOException {
        for (Orientation orientation : List.of(Orientation.NORMAL, new Orientation(false, true, false))) {
            try (Machine machine = Machine.counting()) {
                FileMapping ram = machine.file(8);
                MemorySegment memory = ram.segment();
                for (int y = 0; y < SIDE; y++) {
                    for (int x = 0; x < SIDE; x++)
                        memory.set(ValueLayout.JAVA_INT_UNALIGNED, place(x, y), pixel(x, y));
                }
                DmaBuf picture = machine.released(machine.core().export("picture", (long) ROW * SIDE,
                        new TilingExporter(ram, orientation)));
                DeviceFunction display = machine.device("display");
                DeviceView view = machine.view(display);
                Attachment attachment = picture.attach(display, Stream.COHERENT);
                assertThat(tiler.slotsTaken()).as("attached, and not mapped").isZero();
                DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
                assertThat(tiler.slotsTaken()).isEqualTo(PAGES.length);
                // A row of a tile each, but that a page which ends is joined with one that begins.
                int pieces = SIDE * SIDE / TILE;
                assertThat(mapping.segments().count()).isEqualTo(orientation.mirrorY() ? pieces : pieces - 1);
                for (int y = 0; y < SIDE; y++) {
                    int from = orientation.mirrorY() ? SIDE - 1 - y : y;
                    assertThat(Machine.read(view, mapping, (long) y * ROW, ROW)).as("row %d, %s", y, orientation)
                            .isEqualTo(row(from));
                }

                Machine.write(view, mapping, 40L * ROW, row(1000));
                int written = orientation.mirrorY() ? SIDE - 1 - 40 : 40;
                for (int x = 0; x < SIDE; x++)
                    assertThat(memory.get(ValueLayout.JAVA_INT_UNALIGNED, place(x, written))).isEqualTo(pixel(x, 1000));
                assertThat(memory.get(ValueLayout.JAVA_INT_UNALIGNED, place(0, written + 1)))
                        .isEqualTo(pixel(0, written + 1));
                mapping.unmap();
                assertThat(tiler.slotsTaken()).as("the view went with its mapping").isZero();
                attachment.detach();
                machine.found();
            }
        }
    }
}
