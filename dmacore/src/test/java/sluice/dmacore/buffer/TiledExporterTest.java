package sluice.dmacore.buffer;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.exporter.GuestPages;
import sluice.dmacore.exporter.MemoryPool;
import sluice.dmacore.exporter.TiledMemory;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.model.Eviction;
import sluice.dmacore.ownership.Direction;
import sluice.iommu.Owner;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.space.MapException;
import sluice.iommu.tiler.Orientation;
import sluice.iommu.tiler.TileFormat;
import sluice.iommu.tiler.TiledAperture;
import sluice.iommu.tiler.TiledBlock;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.dmacore.buffer.Machine.PAGE;
import static sluice.dmacore.buffer.Refused.refused;

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

    private TiledMemory exporter(FileMapping ram, Orientation orientation) {
        return new TiledMemory(tiler, new GuestPages(Machine.runs(ram, PAGES)), TileFormat.BITS_32, SIDE, SIDE,
                orientation);
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
                        exporter(ram, orientation)));
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

    private static void draw(MemorySegment memory, int rows, int from) {
        for (int y = 0; y < rows; y++) {
            for (int x = 0; x < SIDE; x++) memory.set(ValueLayout.JAVA_INT_UNALIGNED, place(x, y), pixel(x, from + y));
        }
    }

    /** As all of OMAP's devices: the row that is synced is eight lines of two tiles, and no other is. */
    @Test
    void aDisplayThatDoesNotSnoopSeesTheRowsThatWereSynced() throws IOException {
        for (Eviction eviction : List.of(new Eviction.Lazy(), new Eviction.Eager())) {
            try (Machine machine = Machine.modelledWith(DmaCoreOptions.counting(), eviction)) {
                FileMapping ram = machine.file(8);
                MemorySegment memory = ram.segment();
                draw(memory, SIDE, 0);
                DmaBuf picture = machine.released(machine.core().export("picture", (long) ROW * SIDE,
                        exporter(ram, Orientation.NORMAL)));
                DeviceFunction display = machine.device("display");
                DeviceView view = machine.view(display);
                Attachment attachment = picture.attach(display, Stream.NON_COHERENT);
                DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
                for (int y = 0; y < SIDE; y++)
                    assertThat(Machine.read(view, mapping, (long) y * ROW, ROW)).as("row %d", y).isEqualTo(row(y));

                mapping.syncForCpu();
                draw(memory, SIDE, 100);
                long before = picture.counters().writeBackExecuted();
                mapping.syncForDevice(5 * ROW, ROW, Direction.TO_DEVICE);
                assertThat(picture.counters().writeBackExecuted() - before).isEqualTo(ROW);
                assertThat(Machine.read(view, mapping, 5 * ROW, ROW)).isEqualTo(row(105));
                machine.found();
                byte[] next = Machine.read(view, mapping, 6 * ROW, ROW);
                if (eviction instanceof Eviction.Lazy) assertThat(next).as("never given").isEqualTo(row(6));
                machine.found(Rule.MISSING_SYNC_FOR_DEVICE);
                machine.core().findings().clear();
                mapping.syncForDevice();
                for (int y = 0; y < SIDE; y++)
                    assertThat(Machine.read(view, mapping, (long) y * ROW, ROW)).as("row %d", y)
                            .isEqualTo(row(100 + y));
                mapping.unmap();
                attachment.detach();
                machine.found();
            }
        }
    }

    /** A camera writes rows, turned by a quarter: each pixel of its view lies in another row of the memory. */
    @Test
    void aCameraThatDoesNotSnoopWritesThroughATurnedView() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(8);
            TiledMemory turned = exporter(ram, new Orientation(false, false, true));
            assertThat(turned.stride()).isEqualTo(ROW);
            DmaBuf picture = machine.released(machine.core().export("picture", turned.bytes(), turned));
            DeviceFunction camera = machine.device("camera");
            DeviceView view = machine.view(camera);
            Attachment attachment = picture.attach(camera, Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.FROM_DEVICE);
            for (int y = 0; y < SIDE; y++) Machine.write(view, mapping, (long) y * ROW, row(y));
            mapping.syncForCpu();
            for (int y = 0; y < SIDE; y++) {
                for (int x = 0; x < SIDE; x++)
                    assertThat(ram.segment().get(ValueLayout.JAVA_INT_UNALIGNED, place(y, x))).isEqualTo(pixel(x, y));
            }
            mapping.unmap();
            attachment.detach();
            machine.found();
        }
    }

    @Test
    @Tag("S35")
    void aPictureOfAPoolMovesAndIsWholeTiles() throws IOException {
        try (Machine machine = Machine.modelled()) {
            MemoryPool pool = machine.pool(32, true);
            TiledMemory odd = new TiledMemory(tiler, pool, TileFormat.BITS_16, 65, 33, Orientation.NORMAL);
            assertThat(odd.bytes()).as("two tiles of 64 by 32 each way").isEqualTo(4L * PAGE);
            assertThat(odd.stride()).isEqualTo(2 * 64 * 2);
            DmaBuf picture = machine.released(machine.core().export("odd", odd.bytes(), odd));
            DeviceFunction gpu = machine.device("gpu");
            DeviceView view = machine.view(gpu);
            Attachment attachment = picture.attach(gpu, Stream.NON_COHERENT);
            DeviceMapping before = attachment.map(Direction.BIDIRECTIONAL);
            Machine.write(view, before, 0, Machine.bytes(4 * PAGE, 1));
            before.unmap();
            picture.move();
            DeviceMapping after = attachment.map(Direction.BIDIRECTIONAL);
            assertThat(Machine.read(view, after, 0, 4 * PAGE)).isEqualTo(Machine.bytes(4 * PAGE, 1));
            after.unmap();
            attachment.detach();
            DmaBuf wrong = machine.released(machine.core().export("wrong", PAGE, odd));
            try (Opener cpu = wrong.open("cpu")) {
                refused(Errno.EINVAL, () -> cpu.begin(Direction.FROM_DEVICE), "in whole tiles have 16384 bytes");
            }
            machine.found();
        }
    }

    @Test
    void aTilerThatIsFullRefusesTheMap() throws IOException {
        try (Machine machine = Machine.counting()) {
            FileMapping ram = machine.file(8);
            int side = 32 * 256;
            List<TiledBlock> taken = new ArrayList<>();
            TargetRuns all = new TargetRuns();
            all.add(0, (long) TiledAperture.SLOTS_WIDE * (TiledAperture.SLOTS_HIGH - 1) * PAGE);
            taken.add(tiler.reserve(TileFormat.BITS_32, side, 32 * (TiledAperture.SLOTS_HIGH - 1), all,
                    Permission.READ_ONLY, new Owner(1, "others")));
            DmaBuf picture = machine.released(machine.core().export("picture", (long) ROW * SIDE,
                    exporter(ram, Orientation.NORMAL)));
            Attachment attachment = picture.attach(machine.device("display"), Stream.COHERENT);
            refused(Errno.ENOMEM, () -> attachment.map(Direction.TO_DEVICE), "the tiler has no room");
            taken.forEach(tiler::release);
            attachment.map(Direction.TO_DEVICE).unmap();
            attachment.detach();
            machine.found();
        } catch (MapException e) {
            throw new AssertionError(e);
        }
    }
}
