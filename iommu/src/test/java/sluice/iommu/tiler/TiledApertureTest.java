package sluice.iommu.tiler;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Owner;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.Targets;
import sluice.iommu.fault.FaultReason;
import sluice.iommu.space.DeviceView;
import sluice.iommu.space.IoSpace;
import sluice.iommu.space.IoSpaceOptions;
import sluice.iommu.space.MapException;
import sluice.iommu.space.Mapping;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Placement;
import sluice.iommu.space.Reader;
import sluice.iommu.space.Refusal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** One picture through all views: a device that knows an address and a stride sees it right, or turned. */
class TiledApertureTest {
    private static final long SEED = 20260407;
    private static final int WIDTH = 150;
    private static final int HEIGHT = 90;
    private static final Owner OWNER = new Owner(1, "picture");

    private final Random random = new Random(SEED);
    /** The memory behind all targets: a target is an index in it. */
    private final byte[] memory = new byte[1 << 20];
    private final TargetRuns runs = new TargetRuns();
    private final TiledAperture tiler = TiledAperture.open("dmm", UnaryOperator.identity());

    private TargetRuns scatteredPages(int count) {
        List<Integer> pages = new ArrayList<>();
        for (int i = 0; i < memory.length / 4096; i++) pages.add(i);
        Collections.shuffle(pages, random);
        TargetRuns targets = new TargetRuns();
        for (int i = 0; i < count; i++) targets.add(pages.get(i) * Targets.PAGE_SIZE, Targets.PAGE_SIZE);
        return targets;
    }

    private TiledBlock reserve(TileFormat format, int width, int height) throws MapException {
        int slots = TiledBlock.slots(width, format.widthShift) * TiledBlock.slots(height, format.heightShift);
        return tiler.reserve(format, width, height, scatteredPages(slots), Permission.READ_WRITE, OWNER);
    }

    // ---- a device: it knows addresses and strides, and nothing of tables or tiles

    private void write(DeviceView device, long address, byte[] bytes) {
        runs.clear();
        assertThat(device.translate(address, bytes.length, Access.WRITE, runs)).isEqualTo(Outcome.RESOLVED);
        int at = 0;
        for (int i = 0; i < runs.count(); i++) {
            System.arraycopy(bytes, at, memory, (int) runs.target(i), (int) runs.length(i));
            at += (int) runs.length(i);
        }
    }

    private byte[] read(DeviceView device, long address, int length) {
        runs.clear();
        assertThat(device.translate(address, length, Access.READ, runs)).isEqualTo(Outcome.RESOLVED);
        byte[] bytes = new byte[length];
        int at = 0;
        for (int i = 0; i < runs.count(); i++) {
            System.arraycopy(memory, (int) runs.target(i), bytes, at, (int) runs.length(i));
            at += (int) runs.length(i);
        }
        return bytes;
    }

    private int[][] readPicture(DeviceView device, TiledView view, int pixelBytes) {
        int[][] picture = new int[view.height()][view.width()];
        for (int row = 0; row < view.height(); row++) {
            byte[] bytes = read(device, view.address() + row * view.stride(), view.width() * pixelBytes);
            for (int i = 0; i < bytes.length; i++) {
                picture[row][i / pixelBytes] |= (bytes[i] & 0xff) << (i % pixelBytes * 8);
            }
        }
        return picture;
    }

    private void writePicture(DeviceView device, TiledView view, int pixelBytes, int[][] picture) {
        for (int row = 0; row < view.height(); row++) {
            byte[] bytes = new byte[view.width() * pixelBytes];
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] = (byte) (picture[row][i / pixelBytes] >>> (i % pixelBytes * 8));
            }
            write(device, view.address() + row * view.stride(), bytes);
        }
    }

    private int[][] randomPicture(int width, int height, int pixelBytes) {
        int mask = pixelBytes == 4 ? -1 : (1 << (8 * pixelBytes)) - 1;
        int[][] picture = new int[height][width];
        for (int[] row : picture) {
            for (int x = 0; x < width; x++) row[x] = random.nextInt() & mask;
        }
        return picture;
    }

    private static int[][] turned(int[][] picture, Orientation orientation) {
        int high = picture.length;
        int wide = picture[0].length;
        int[][] turned = orientation.swap() ? new int[wide][high] : new int[high][wide];
        for (int v = 0; v < turned.length; v++) {
            for (int u = 0; u < turned[0].length; u++) {
                int x = orientation.swap() ? v : u;
                int y = orientation.swap() ? u : v;
                turned[v][u] = picture[orientation.mirrorY() ? high - 1 - y : y][orientation.mirrorX()
                        ? wide - 1 - x
                        : x];
            }
        }
        return turned;
    }

    @Tag("S9")
    @ParameterizedTest
    @EnumSource(TileFormat.class)
    void aDeviceSeesThePictureTurnedAsItsAddressSays(TileFormat format) throws MapException {
        reserve(TileFormat.BITS_8, 300, 10); // so that the picture begins nowhere special
        TiledBlock block = reserve(format, WIDTH, HEIGHT);
        int[][] picture = randomPicture(WIDTH, HEIGHT, format.pixelBytes());
        try (TiledReader device = tiler.openReader(); var _ = device.enter()) {
            writePicture(device, block.view(Orientation.NORMAL), format.pixelBytes(), picture);
            for (int bits = 0; bits < 8; bits++) {
                Orientation orientation = Orientation.of(bits);
                assertThat(orientation.bits()).isEqualTo(bits);
                int[][] seen = readPicture(device, block.view(orientation), format.pixelBytes());
                assertThat(seen).as("%s", orientation).isDeepEqualTo(turned(picture, orientation));
            }
        }
    }

    @Tag("S9")
    @Test
    void whatOneOrientationWroteAnotherReads() throws MapException {
        TiledBlock block = reserve(TileFormat.BITS_32, WIDTH, HEIGHT);
        Orientation quarter = new Orientation(true, false, true);
        int[][] picture = randomPicture(/* width= */ HEIGHT, /* height= */ WIDTH, 4);
        try (TiledReader device = tiler.openReader(); var _ = device.enter()) {
            writePicture(device, block.view(quarter), 4, picture);
            int[][] seen = readPicture(device, block.view(Orientation.NORMAL), 4);
            assertThat(turned(seen, quarter)).isDeepEqualTo(picture);
        }
    }

    /** The same device code on a table and on a tiler: an attachment is an address and a stride in both cases. */
    @Tag("S9")
    @Test
    void aDeviceCannotTellATilerFromATable() throws MapException {
        int[][] picture = randomPicture(WIDTH, HEIGHT, 4);
        IoSpace space = IoSpace.open(IoSpaceOptions.of("linear", AddressRange.of(0, 1L << 28)));
        Mapping mapping = space.map(Placement.ANYWHERE, scatteredPages((WIDTH * HEIGHT * 4 + 4095) / 4096),
                Permission.READ_WRITE, OWNER);
        TiledView linear = new TiledView(mapping.iova(), WIDTH, HEIGHT, WIDTH * 4L);
        try (Reader device = space.openReader(); var _ = device.enter()) {
            writePicture(device, linear, 4, picture);
            assertThat(readPicture(device, linear, 4)).isDeepEqualTo(picture);
        }
        TiledBlock block = reserve(TileFormat.BITS_32, WIDTH, HEIGHT);
        try (TiledReader device = tiler.openReader(); var _ = device.enter()) {
            writePicture(device, block.view(Orientation.NORMAL), 4, picture);
            assertThat(readPicture(device, block.view(Orientation.NORMAL), 4)).isDeepEqualTo(picture);
        }
    }

    /** What an exporter's list says: page n is in slot n, a row of slots after the other, and below it lies another row's. */
    @Tag("S9")
    @ParameterizedTest
    @EnumSource(TileFormat.class)
    void eachPageOfTheListIsBehindItsOwnSlot(TileFormat format) throws MapException {
        reserve(TileFormat.BITS_8, 300, 10);
        int wide = 5;
        int high = 4;
        TargetRuns pages = new TargetRuns();
        // Runs that end where rows of slots do, and runs that do not.
        long[] lengths = { 2, 3, 1, 5, 6, 3 };
        long at = 100;
        for (long length : lengths) {
            pages.add(at * Targets.PAGE_SIZE, length * Targets.PAGE_SIZE);
            at += length + 1;
        }
        List<Long> expected = new ArrayList<>();
        for (int run = 0; run < pages.count(); run++) {
            for (long page = 0; page < pages.length(run); page += Targets.PAGE_SIZE)
                expected.add(pages.target(run) + page);
        }
        int width = wide * format.tileWidth() - 3;
        int height = high * format.tileHeight() - 1;
        TiledBlock block = tiler.reserve(format, width, height, pages, Permission.READ_WRITE, OWNER);
        assertThat(block.slotsWide()).isEqualTo(wide);
        assertThat(block.slotsHigh()).isEqualTo(high);
        TiledView view = block.view(Orientation.NORMAL);
        List<Long> seen = new ArrayList<>();
        List<Long> inPages = new ArrayList<>();
        try (TiledReader device = tiler.openReader(); var _ = device.enter()) {
            for (int y = 0; y < high; y++) {
                for (int x = 0; x < wide; x++) {
                    long pixel = view.address() + (long) y * format.tileHeight() * view.stride()
                            + (long) x * format.tileWidth() * format.pixelBytes();
                    seen.add(target(device, pixel));
                    inPages.add(target(device, block.rows().get(y).iova() + x * Targets.PAGE_SIZE));
                }
            }
        }
        assertThat(seen).isEqualTo(expected);
        assertThat(inPages).isEqualTo(expected);
    }

    private long target(DeviceView device, long address) {
        runs.clear();
        assertThat(device.translate(address, 1, Access.READ, runs)).isEqualTo(Outcome.RESOLVED);
        return runs.target(0);
    }

    /** A space that refuses a row leaves nothing of those before, and no slot is taken. */
    @Test
    void aPictureIsReservedAsAWholeOrNotAtAll() throws MapException {
        TiledAperture small = TiledAperture.open("small", options -> options.withMaxMappings(3));
        TiledBlock kept = small.reserve(TileFormat.BITS_8, 64, 64, scatteredPages(1), Permission.READ_ONLY, OWNER);
        assertThatThrownBy(() -> small.reserve(TileFormat.BITS_8, 64, 3 * 64, scatteredPages(3), Permission.READ_ONLY,
                OWNER)).isInstanceOf(MapException.class);
        assertThat(small.slotsTaken()).isEqualTo(1);
        assertThat(small.container().mappings()).isEqualTo(kept.rows());
        assertThat(small.reserve(TileFormat.BITS_8, 64, 2 * 64, scatteredPages(2), Permission.READ_ONLY, OWNER).slotX())
                .isEqualTo(1);
    }

    @Test
    void theViewOfPagesShowsTheSlotsOneAfterTheOther() throws MapException {
        TargetRuns page = TargetRuns.of(5 * Targets.PAGE_SIZE, Targets.PAGE_SIZE);
        TiledBlock block = tiler.reserve(TileFormat.BITS_8, 64, 64, page, Permission.READ_WRITE, OWNER);
        try (TiledReader device = tiler.openReader(); var _ = device.enter()) {
            byte[] bytes = new byte[4096];
            random.nextBytes(bytes);
            write(device, block.rows().getFirst().iova(), bytes);
            assertThat(read(device, block.view(Orientation.NORMAL).address() + tiler64Row(1), 64))
                    .isEqualTo(Arrays.copyOfRange(bytes, 64, 128));
        }
    }

    @Test
    void anAccessOfNothingNeedsNothing() throws MapException {
        TiledBlock block = reserve(TileFormat.BITS_8, 64, 64);
        try (TiledReader device = tiler.openReader(); var _ = device.enter()) {
            assertThat(read(device, block.view(Orientation.NORMAL).address(), 0)).isEmpty();
        }
    }

    private static long tiler64Row(int row) {
        return TiledAperture.stride(TileFormat.BITS_8, false) * row;
    }

    @Test
    void aRowOfATileIsOneRunAndAMirroredPixelToo() throws MapException {
        TiledBlock block = reserve(TileFormat.BITS_16, 128, 32);
        try (TiledReader device = tiler.openReader(); var _ = device.enter()) {
            device.translate(block.view(Orientation.NORMAL).address(), 256, Access.READ, runs);
            assertThat(runs.count()).isEqualTo(2);
            assertThat(runs.length(0)).isEqualTo(128);
            runs.clear();
            device.translate(block.view(Orientation.HALF_TURN).address() + 1, 3, Access.READ, runs);
            assertThat(runs.count()).isEqualTo(2);
            assertThat(runs.length(0)).isEqualTo(1);
            assertThat(runs.length(1)).isEqualTo(2);
            assertThat(runs.target(1)).isEqualTo(runs.target(0) - 3);
        }
    }

    @Test
    void slotsThatAreEmptyAndAddressesThatAreNoneFault() throws MapException {
        TiledBlock block = reserve(TileFormat.BITS_32, 32, 32);
        TiledView view = block.view(Orientation.NORMAL);
        try (TiledReader device = tiler.openReader(); var _ = device.enter()) {
            runs.add(7, 7);
            // One pixel beyond the picture is another slot, and an empty one.
            assertThat(device.translate(view.address(), 33 * 4, Access.READ, runs)).isEqualTo(Outcome.FAULT);
            assertThat(runs.bytes()).isEqualTo(7);
            assertThat(device.fault()).extracting("reason").isEqualTo(FaultReason.NOT_MAPPED);
            assertThat(device.translate(1L << 32, 4, Access.READ, runs)).isEqualTo(Outcome.FAULT);
            assertThat(device.fault()).extracting("reason").isEqualTo(FaultReason.OUT_OF_APERTURE);
        }
        // A picture that fills a view to its end: what follows belongs to no view.
        assertThat(device8Last()).isEqualTo(FaultReason.OUT_OF_APERTURE);
    }

    private FaultReason device8Last() throws MapException {
        TiledAperture whole = TiledAperture.open("whole", UnaryOperator.identity());
        TargetRuns pages = TargetRuns.of(0, (long) TiledAperture.SLOTS_WIDE * TiledAperture.SLOTS_HIGH * 4096);
        TiledBlock all = whole.reserve(TileFormat.BITS_8, 16384, 8192, pages, Permission.READ_ONLY, OWNER);
        try (TiledReader device = whole.openReader(); var _ = device.enter()) {
            long last = all.view(Orientation.NORMAL).address() + (1L << 27) - 1;
            assertThat(device.translate(last, 1, Access.READ, runs)).isEqualTo(Outcome.RESOLVED);
            assertThat(device.translate(last, -1, Access.READ, runs)).isEqualTo(Outcome.FAULT);
            var fault = device.fault();
            if (fault == null) throw new AssertionError("a fault without a record");
            return fault.reason();
        }
    }

    @Test
    void slotsAreGivenBackOnceAndFoundAgain() throws MapException {
        TiledBlock first = reserve(TileFormat.BITS_8, 1000, 100);
        TiledBlock second = reserve(TileFormat.BITS_32, 500, 40);
        assertThat(tiler.slotsTaken()).isEqualTo(16 * 2 + 16 * 2);
        tiler.release(first);
        tiler.release(first);
        assertThat(tiler.slotsTaken()).isEqualTo(32);
        TiledBlock again = reserve(TileFormat.BITS_8, 1000, 100);
        assertThat(again.slotX()).isEqualTo(first.slotX());
        tiler.release(again);
        tiler.release(second);
        assertThat(tiler.slotsTaken()).isZero();
        assertThat(tiler.container().detach().mappings()).isEmpty();
    }

    @Test
    void refusesWhatDoesNotFit() throws MapException {
        assertThatThrownBy(() -> tiler.reserve(TileFormat.BITS_8, 64, 65, scatteredPages(1), Permission.READ_ONLY,
                OWNER)).isInstanceOf(IllegalArgumentException.class).hasMessageContaining("1×2 slots");
        assertThatThrownBy(() -> tiler.reserve(TileFormat.BITS_32, 8193, 1, scatteredPages(1), Permission.READ_ONLY,
                OWNER)).isInstanceOf(IllegalArgumentException.class).hasMessageContaining("8192×4096");
        TargetRuns half = TargetRuns.of(0, 256L * 65 * 4096);
        tiler.reserve(TileFormat.BITS_8, 16384, 65 * 64, half, Permission.READ_ONLY, OWNER);
        assertThatThrownBy(() -> tiler.reserve(TileFormat.BITS_8, 16384, 65 * 64, half, Permission.READ_ONLY, OWNER))
                .isInstanceOfSatisfying(MapException.class,
                        refused -> assertThat(refused.refusal()).isEqualTo(Refusal.NO_ROOM))
                .hasMessageContaining("no free rectangle of 256×65 slots");
        // A row that the space refuses undoes those before it.
        TiledAperture small = TiledAperture.open("small", options -> options.withMaxMappings(1));
        assertThatThrownBy(() -> small.reserve(TileFormat.BITS_8, 64, 128, scatteredPages(2), Permission.READ_ONLY,
                OWNER)).isInstanceOf(MapException.class);
        assertThat(small.slotsTaken()).isZero();
        assertThat(small.container().mappings()).isEmpty();
    }
}
