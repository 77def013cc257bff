package sluice.dmacore.memory;

import java.util.Random;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.iommu.Access;
import sluice.iommu.space.Outcome;

import static org.assertj.core.api.Assertions.assertThat;

/** Random traffic of a driver, its IOMMU and a device, against plain maps. */
class IotlbOracleTest {
    private static final long SEED = 20261122;
    private static final long PAGE = MemoryRegion.PAGE;
    private static final int STEPS = 100_000;
    private static final int MANY_STEPS = 3_000_000;

    private final AskedFront front;
    private int resolved;
    private int missed;
    private int faulted;
    private int settled;
    private int scattered;

    IotlbOracleTest() throws Exception {
        front = new AskedFront();
    }

    @AfterEach
    void close() {
        front.close();
    }

    @Test
    void resolvesOnlyWhatIsMapped() throws Exception {
        run(SEED, STEPS);
    }

    @Test
    @Tag("long")
    void resolvesOnlyWhatIsMappedForLong() throws Exception {
        for (int round = 1; round <= 4; round++) run(SEED + round, MANY_STEPS / 4);
    }

    private void run(long seed, int steps) throws Exception {
        Random random = new Random(seed);
        front.iotlb.clear();
        front.open.clear();
        ModelIommu model = new ModelIommu(front, random);
        for (int step = 0; step < steps; step++) {
            String where = "seed %d, step %d".formatted(seed, step);
            switch (random.nextInt(20)) {
                case 0, 1 -> model.map(model.anyPage());
                case 2 -> {
                    if (random.nextInt(3) == 0) model.unmap(model.anyPage());
                }
                case 3 -> {
                    if (random.nextInt(10) == 0) model.invalidateWholesale();
                }
                case 4 -> {
                    if (random.nextInt(100) == 0) front.adoptMemory();
                }
                case 5, 6, 7, 8, 9 -> model.lookAtQuestion();
                case 10, 11, 12, 13, 14 -> model.deliver();
                case 15 -> {
                    if (random.nextInt(10) == 0) settle(model, random, where);
                }
                default -> access(model, random, where);
            }
        }
        assertThat(resolved).as("resolved").isGreaterThan(steps / 100);
        assertThat(missed).as("missed").isGreaterThan(steps / 100);
        assertThat(faulted).as("faulted").isGreaterThan(steps / 1000);
        assertThat(scattered).as("resolutions to more than one run").isGreaterThan(steps / 1000);
        assertThat(settled).as("accesses that were waited for").isGreaterThan(steps / 1000);
        assertThat(model.unmapped).isGreaterThan(steps / 100);
    }

    private static Access anyAccess(Random random) {
        return random.nextInt(3) == 0 ? Access.WRITE : Access.READ;
    }

    private void access(ModelIommu model, Random random, String where) {
        long address = model.anyPage() * PAGE + random.nextInt((int) PAGE);
        long length = 1L + random.nextInt(random.nextBoolean() ? 100 : 20_000);
        Access access = anyAccess(random);
        switch (front.resolve(address, length, access)) {
            case RESOLVED -> {
                resolved++;
                check(model, address, length, access, where);
            }
            case MISS -> missed++;
            default -> {
                faulted++;
                assertThat(model.wasRefused(front.result.address() / PAGE, access))
                        .as("%s: 0x%x was refused", where, front.result.address()).isTrue();
            }
        }
    }

    /** Each byte's page leads where the runs say. */
    private void check(ModelIommu model, long address, long length, Access access, String where) {
        Runs runs = front.runs;
        assertThat(runs.bytes()).isEqualTo(length);
        if (runs.count() > 1) scattered++;
        for (long at = address; at < address + length; at = (at & -PAGE) + PAGE) {
            int run = runs.runAt(at - address);
            long offset = runs.offset(run) + (at - address - runs.start(run));
            assertThat(offset & (PAGE - 1)).isEqualTo(at & (PAGE - 1));
            if (!model.mayLead(at / PAGE, offset / PAGE, access))
                throw new AssertionError("%s: %s of 0x%x resolved to 0x%x, which is not mapped there or was taken back"
                        .formatted(where, access, at, offset));
        }
    }

    /** With time to answer, a device gets what is mapped, and a fault for what is not. */
    private void settle(ModelIommu model, Random random, String where) throws Exception {
        settled++;
        long page = model.anyPage();
        long last = page + random.nextInt(3);
        Access access = anyAccess(random);
        boolean mapped = true;
        for (long at = page; at <= last; at++) mapped &= model.leads(at, access) != null;
        model.deliverAll();
        Outcome outcome = Outcome.MISS;
        int faults = 0;
        for (int round = 0; round < 20; round++) {
            outcome = front.resolve(page * PAGE, (last - page + 1) * PAGE, access);
            if (outcome == Outcome.RESOLVED) break;
            // A refusal from before it was mapped may be left over: that is one fault, and no second.
            if (outcome == Outcome.FAULT && (!mapped || ++faults > 1)) break;
            while (!front.open.isEmpty())
                model.lookAtQuestion();
            model.deliverAll();
        }
        assertThat(outcome).as("%s: %s of pages 0x%x to 0x%x, mapped %s", where, access, page, last, mapped)
                .isEqualTo(mapped ? Outcome.RESOLVED : Outcome.FAULT);
        if (mapped) check(model, page * PAGE, (last - page + 1) * PAGE, access, where);
    }
}
