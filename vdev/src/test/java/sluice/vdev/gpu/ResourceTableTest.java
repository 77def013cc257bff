package sluice.vdev.gpu;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.budget.Share;
import sluice.dmacore.memory.BusList;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static sluice.dmacore.budget.Resource.HEAP;
import static sluice.dmacore.budget.Resource.HOST_MEMORY;
import static sluice.dmacore.budget.Resource.MAPPINGS;

/** The table of resources, against a map. */
class ResourceTableTest {
    private static final long SEED = 20260113;
    private static final long LIMIT = 4 << 20;
    private static final long HEAP_LIMIT = 64 << 20;

    private final Random random = new Random(SEED);

    private final Budget budget = Budget.of(HEAP, HEAP_LIMIT);
    private final Share share = budget.share("gpu");

    private ResourceTable table(long memoryLimit) {
        return new ResourceTable(memoryLimit, share, false);
    }

    private record Made(PixelFormat format, long width, long height) {
        /** What it counts towards the limit. */
        long charge() {
            return Math.max(4096, width * height * 4);
        }
    }

    /** Ids as drivers choose them, and ids whose low bits are all the same, which a poor hash would put together. */
    private int id() {
        return switch (random.nextInt(6)) {
            case 0 -> random.nextInt(4) - 2;
            case 1 -> random.nextInt(60) << 20;
            case 2 -> random.nextInt(60) << 26;
            default -> 1 + random.nextInt(300);
        };
    }

    private long side() {
        return switch (random.nextInt(40)) {
            case 0 -> 0;
            case 1 -> 0xffff_ffffL;
            case 2 -> ResourceTable.MAX_SIDE;
            case 3 -> ResourceTable.MAX_SIDE + 1;
            case 4 -> 0x8000_0000L;
            default -> 1 + random.nextInt(64);
        };
    }

    private static Response expected(Map<Integer, Made> oracle, int id, int format, long width, long height) {
        if (id == 0 || oracle.containsKey(id)) return Response.ERR_INVALID_RESOURCE_ID;
        if (PixelFormat.ofWire(format) == null || width == 0 || height == 0) return Response.ERR_INVALID_PARAMETER;
        long used = oracle.values().stream().mapToLong(Made::charge).sum();
        boolean fits = width <= 16_384 && height <= 16_384
                && used + Math.max(4096, width * height * 4) <= LIMIT;
        return fits ? Response.OK_NODATA : Response.ERR_OUT_OF_MEMORY;
    }

    private static void assertSame(ResourceTable table, Map<Integer, Made> oracle) {
        assertThat(table.count()).isEqualTo(oracle.size());
        assertThat(table.memoryUsed()).isEqualTo(oracle.values().stream().mapToLong(Made::charge).sum());
        oracle.forEach((id, made) -> {
            Resource resource = table.find(id);
            if (resource == null) throw new AssertionError("resource " + id + " is lost");
            if (!(resource instanceof HostCopy copy)) throw new AssertionError("resource " + id + " has no copy");
            assertThat(new Made(copy.format(), copy.image().width(), copy.image().height())).isEqualTo(made);
            assertThat(resource.id()).isEqualTo(id);
        });
    }

    @Test
    void behavesAsAMapWithALimit() {
        ResourceTable table = table(LIMIT);
        Map<Integer, Made> oracle = new LinkedHashMap<>();
        Map<Response, Integer> responses = new LinkedHashMap<>();
        int most = 0;
        for (int step = 0; step < 60_000; step++) {
            int id = id();
            if (random.nextInt(3) > 0) {
                int format = List.of(1, 2, 3, 4, 67, 68, 121, 134, 0, 5).get(random.nextInt(10));
                long width = side();
                long height = side();
                Response expected = expected(oracle, id, format, width, height);
                assertThat(table.create(id, format, width, height))
                        .as("seed %d, step %d: resource %d of %d×%d, format %d", SEED, step, id, width, height, format)
                        .isEqualTo(expected);
                responses.merge(expected, 1, Integer::sum);
                PixelFormat known = PixelFormat.ofWire(format);
                if (expected == Response.OK_NODATA && known != null) oracle.put(id, new Made(known, width, height));
            } else {
                Resource resource = table.find(id);
                assertThat(resource != null).as("seed %d, step %d: resource %d", SEED, step, id)
                        .isEqualTo(oracle.containsKey(id));
                if (resource != null) {
                    table.remove(resource);
                    oracle.remove(id);
                    assertThatThrownBy(() -> ((HostCopy) resource).image().pixels().get(JAVA_BYTE, 0))
                            .isInstanceOf(IllegalStateException.class);
                }
            }
            if (random.nextInt(5_000) == 0) {
                table.clear();
                oracle.clear();
            }
            most = Math.max(most, oracle.size());
            if (step % 16 == 0) assertSame(table, oracle);
        }
        assertSame(table, oracle);
        table.clear();
        assertThat(table.count()).isZero();
        assertThat(table.memoryUsed()).isZero();
        assertThat(most).as("resources at once, more than half of the first table").isGreaterThan(100);
        assertThat(responses).containsOnlyKeys(Response.OK_NODATA, Response.ERR_INVALID_RESOURCE_ID,
                Response.ERR_INVALID_PARAMETER, Response.ERR_OUT_OF_MEMORY);
    }

    @Test
    void findsWhatLiesBehindAGapThatARemovalLeft() {
        // All of these want the same slot.
        List<Integer> ids = new ArrayList<>();
        for (int i = 1; i <= 24; i++) ids.add(i << 20);
        for (int gap = 0; gap < ids.size(); gap++) {
            ResourceTable table = table(LIMIT);
            for (int id : ids) assertThat(table.create(id, 1, 1, 1)).isEqualTo(Response.OK_NODATA);
            Resource removed = table.find(ids.get(gap));
            if (removed == null) throw new AssertionError("resource " + ids.get(gap) + " is lost");
            table.remove(removed);
            for (int id : ids) assertThat(table.find(id) == null).isEqualTo(id == ids.get(gap));
            table.clear();
        }
    }

    @ParameterizedTest
    @CsvSource({ "1, 0, 1, ERR_INVALID_PARAMETER", "1, 1, 0, ERR_INVALID_PARAMETER",
            "1, 4294967295, 4294967295, ERR_OUT_OF_MEMORY", "1, 4294967295, 1, ERR_OUT_OF_MEMORY",
            "1, 1, 4294967295, ERR_OUT_OF_MEMORY", "1, 16385, 1, ERR_OUT_OF_MEMORY", "1, 1, 16385, ERR_OUT_OF_MEMORY",
            "1, 16384, 16384, ERR_OUT_OF_MEMORY", "0, 1, 1, ERR_INVALID_RESOURCE_ID", "1, 16384, 1, OK_NODATA",
            "1, 1, 16384, OK_NODATA", "-1, 1, 1, OK_NODATA", "-2147483648, 1, 1, OK_NODATA" })
    void judgesIdsAndSides(int id, long width, long height, Response expected) {
        ResourceTable table = table(LIMIT);
        assertThat(table.create(id, 1, width, height)).isEqualTo(expected);
        assertThat(table.count()).isEqualTo(expected == Response.OK_NODATA ? 1 : 0);
        table.clear();
    }

    @Test
    void itsLimitIsReachedToTheByteAndGivenBack() {
        ResourceTable table = table(3 * 4096 + 64 * 64 * 4);
        assertThat(table.create(1, 1, 64, 64)).isEqualTo(Response.OK_NODATA);
        for (int id = 2; id <= 4; id++) assertThat(table.create(id, 1, 1, 1)).isEqualTo(Response.OK_NODATA);
        assertThat(table.create(5, 1, 1, 1)).isEqualTo(Response.ERR_OUT_OF_MEMORY);
        Resource small = table.find(3);
        if (small == null) throw new AssertionError("resource 3 is lost");
        table.remove(small);
        assertThat(table.create(5, 1, 32, 33)).as("one row more than a page").isEqualTo(Response.ERR_OUT_OF_MEMORY);
        assertThat(table.create(5, 1, 32, 32)).isEqualTo(Response.OK_NODATA);
        table.clear();
    }

    @Test
    void thereIsAMostHoweverMuchMemoryThereIs() {
        ResourceTable table = table(Long.MAX_VALUE);
        for (int id = 1; id <= ResourceTable.MAX_RESOURCES; id++)
            assertThat(table.create(id, 1, 1, 1)).isEqualTo(Response.OK_NODATA);
        assertThat(table.create(-1, 1, 1, 1)).isEqualTo(Response.ERR_OUT_OF_MEMORY);
        Resource first = table.find(1);
        if (first == null) throw new AssertionError("resource 1 is lost");
        table.remove(first);
        assertThat(table.create(-1, 1, 1, 1)).isEqualTo(Response.OK_NODATA);
        assertThat(table.create(1, 1, 1, 1)).isEqualTo(Response.ERR_OUT_OF_MEMORY);
        table.clear();
        assertThat(table.create(1, 1, 1, 1)).isEqualTo(Response.OK_NODATA);
        table.clear();
    }

    @Test
    void aListOfPagesGivesItsRoomBackWhicheverWayItGoes() {
        ResourceTable table = table(LIMIT);
        long[] list = new long[2 * ResourceTable.MAX_ENTRIES];
        Arrays.fill(list, 4096);
        Backing all = new Backing(BusList.of(list));
        Backing one = new Backing(BusList.of(0, 1, 0, 1L << 32));
        assertThat(one.count()).as("entries that have bytes").isEqualTo(1);
        for (int way = 0; way < 3; way++) {
            assertThat(table.create(7, 1, 1, 1)).isEqualTo(Response.OK_NODATA);
            Resource resource = table.find(7);
            if (resource == null) throw new AssertionError("resource 7 is lost");
            assertThat(table.reserve(one)).isTrue();
            resource.setBacking(one);
            assertThat(table.reserve(all)).isFalse();
            assertThat(table.detach(resource)).isSameAs(one);
            assertThat(table.detach(resource)).isNull();
            assertThat(table.reserve(all)).isTrue();
            resource.setBacking(all);
            assertThat(table.reserve(one)).isFalse();
            switch (way) {
                case 0 -> table.detach(resource);
                case 1 -> table.remove(resource);
                default -> table.clear();
            }
            assertThat(table.reserve(all)).as("in way %d", way).isTrue();
            table.cancel(all);
            table.clear();
            assertThat(share.used(HEAP)).as("in way %d", way).isZero();
            assertThat(share.used(HOST_MEMORY)).as("in way %d", way).isZero();
        }
    }

    @Test
    void aNewResourceIsBlack() {
        ResourceTable table = table(LIMIT);
        table.create(7, 134, 33, 5);
        Resource resource = table.find(7);
        if (resource == null) throw new AssertionError("resource 7 is lost");
        assertThat(((HostCopy) resource).image().copyOf(new Rectangle(0, 0, 33, 5))).hasSize(165).containsOnly(0);
        assertThat(resource.backing()).isNull();
        table.clear();
    }

    /** Each guest's resources have a limit, and all guests of a process together have one, too. */
    @Test
    void aGreedyGuestsResourcesLeaveHeapForAnothers() {
        ResourceTable greedy = table(Long.MAX_VALUE);
        ResourceTable clean = new ResourceTable(LIMIT, budget.share("clean"), false);
        long[] list = new long[2 * 1024];
        Arrays.fill(list, 4096 + 1); // inside of pages: each has a mapping of its own
        int made = 0;
        while (greedy.create(made + 1, 1, 1, 1) == Response.OK_NODATA && greedy.reserve(new Backing(BusList.of(list))))
            made++;
        assertThat(made).isBetween(32, ResourceTable.MAX_RESOURCES - 1);
        for (int id = 1; id <= 40; id++) {
            assertThat(clean.create(id, 1, 1, 1)).isEqualTo(Response.OK_NODATA);
            assertThat(clean.reserve(new Backing(BusList.of(list)))).as("resource %d", id).isTrue();
        }
    }

    /** An image of 124 KiB is a mapping, and a process has a limit of these. */
    @Test
    void largeImagesOfAGreedyGuestLeaveMappingsForAnothers() {
        Budget mappings = Budget.of(MAPPINGS, 16);
        ResourceTable greedy = new ResourceTable(Long.MAX_VALUE, mappings.share("greedy"), false);
        ResourceTable clean = new ResourceTable(Long.MAX_VALUE, mappings.share("clean"), false);
        int id = 1;
        while (greedy.create(id, 1, 128, 248) == Response.OK_NODATA)
            id++;
        assertThat(id - 1).as("large images").isEqualTo(12);
        assertThat(greedy.create(id, 1, 128, 247)).as("a small one").isEqualTo(Response.OK_NODATA);
        assertThat(clean.create(1, 1, 1024, 1024)).isEqualTo(Response.OK_NODATA);
        assertThat(clean.create(2, 1, 1024, 1024)).isEqualTo(Response.OK_NODATA);
        Resource first = greedy.find(1);
        if (first == null) throw new AssertionError("resource 1 is lost");
        greedy.remove(first);
        assertThat(mappings.used(MAPPINGS)).isEqualTo(13);
        greedy.clear();
        clean.clear();
        assertThat(mappings.used(MAPPINGS)).isZero();
    }

    @Test
    void picturesOfAGreedyGuestLeaveHostMemoryForAnothers() {
        Budget memory = Budget.of(HOST_MEMORY, 16 << 20);
        ResourceTable greedy = new ResourceTable(Long.MAX_VALUE, memory.share("greedy"), false);
        ResourceTable clean = new ResourceTable(LIMIT, memory.share("clean"), false);
        int id = 1;
        while (greedy.create(id, 1, 512, 512) == Response.OK_NODATA)
            id++;
        assertThat(id - 1).as("pictures of 1 MiB").isEqualTo(10);
        for (int other = 1; other <= 2; other++)
            assertThat(clean.create(other, 1, 512, 512)).isEqualTo(Response.OK_NODATA);
        greedy.clear();
        clean.clear();
        assertThat(memory.used(HOST_MEMORY)).isZero();
    }

    /** 3 GiB took a GPU that does not snoop 13 s, and as much memory of the host's. */
    @Test
    void theShadowOfPagesCountsAsMemoryWhereTheDeviceDoesNotSnoop() {
        ResourceTable table = new ResourceTable(LIMIT, share, true);
        Backing large = new Backing(BusList.of(0, LIMIT));
        Backing larger = new Backing(BusList.of(0, 3L << 30));
        assertThat(table.reserve(larger)).isFalse();
        assertThat(table.reserve(large)).isTrue();
        assertThat(table.create(1, 1, 1, 1)).isEqualTo(Response.ERR_OUT_OF_MEMORY);
        table.cancel(large);
        assertThat(table.create(1, 1, 1, 1)).isEqualTo(Response.OK_NODATA);
        table.clear();
    }
}
