package sluice.dmacore.allocation;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.buffer.Exporter;
import sluice.dmacore.buffer.Machine;
import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.exporter.DeviceMemory;
import sluice.dmacore.exporter.MemoryPool;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.dmacore.buffer.Machine.PAGE;

/** Devices and memory drawn at random, and the choice against one that is made by hand: who suits whom is written down here. */
@Tag("S42")
class AllocationOracleTest {
    private static final long SEED = 20260612;
    private static final int ROUNDS = 300;
    private static final int PAGES = 4;

    /** What a device takes. */
    enum Kind {
        THROUGH_IOMMU,
        CONTIGUOUS,
        PEER,
        CONTIGUOUS_PEER;

        DeviceDmaParams params() {
            boolean contiguous = this == CONTIGUOUS || this == CONTIGUOUS_PEER;
            DeviceDmaParams params = contiguous
                    ? DeviceDmaParams.physicallyContiguous()
                    : DeviceDmaParams.throughIommu();
            return params.withPeerToPeer(this == PEER || this == CONTIGUOUS_PEER);
        }
    }

    /** What there is. */
    enum Memory {
        /** Scattered pages for every request. */
        SCATTERED,
        /** A pool that allocates to suit the attached devices. */
        LATE,
        /** Of another device. */
        VRAM,
        /** Too small. */
        FULL,
        /** Too small, which is found out when everybody has attached. */
        FULL_LATE;

        boolean suits(Kind kind) {
            return switch (this) {
                case SCATTERED -> kind == Kind.THROUGH_IOMMU || kind == Kind.PEER;
                case LATE -> true;
                case VRAM -> kind == Kind.PEER || kind == Kind.CONTIGUOUS_PEER;
                case FULL, FULL_LATE -> false;
            };
        }
    }

    /** What is drawn: mostly memory that suits some and not all. */
    private static final List<Memory> DRAWN = List.of(Memory.SCATTERED, Memory.SCATTERED, Memory.SCATTERED, Memory.VRAM,
            Memory.VRAM, Memory.VRAM, Memory.LATE, Memory.FULL, Memory.FULL_LATE);
    private static final List<Kind> DEVICES = List.of(Kind.THROUGH_IOMMU, Kind.THROUGH_IOMMU, Kind.THROUGH_IOMMU,
            Kind.PEER, Kind.CONTIGUOUS_PEER, Kind.CONTIGUOUS_PEER, Kind.CONTIGUOUS_PEER, Kind.CONTIGUOUS);

    private record Device(Candidate candidate, Kind kind, @Nullable Memory memory) {}

    private record Choice(Device of, List<Device> served) {}

    private final Random random = new Random(SEED);
    private int shared;
    private int copied;
    private int refused;

    private @Nullable Choice best(List<Device> wanting, List<Device> offering, List<String> tried) {
        Choice best = null;
        Set<Exporter> seen = new LinkedHashSet<>();
        for (Device offer : offering) {
            Exporter exporter = offer.candidate.exporter();
            if (exporter == null || offer.memory == null || !seen.add(exporter)) continue;
            Memory memory = offer.memory;
            tried.add(offer.candidate.function().name());
            List<Device> served = wanting.stream().filter(device -> memory.suits(device.kind)).toList();
            if (served.size() > (best == null ? 0 : best.served.size())) best = new Choice(offer, served);
            if (best != null && best.served.size() == wanting.size()) break;
        }
        return best;
    }

    private static List<String> names(List<Device> devices) {
        return devices.stream().map(device -> device.candidate.function().name()).toList();
    }

    private static List<String> names(Share share) {
        return share.attachments().stream().map(attachment -> attachment.function().name()).toList();
    }

    private Exporter open(Machine machine, Memory memory, List<MemoryPool> pools) throws IOException {
        if (memory == Memory.VRAM) return new DeviceMemory(machine.file(PAGES), 0);
        boolean full = memory == Memory.FULL || memory == Memory.FULL_LATE;
        // Taken and given back, a pool of many pages hands them out here and there.
        MemoryPool pool = machine.pool(full ? PAGES - 1 : 512, memory == Memory.LATE || memory == Memory.FULL_LATE);
        pools.add(pool);
        return pool;
    }

    private void round(int round) throws IOException {
        try (Machine machine = Machine.counting()) {
            List<MemoryPool> pools = new ArrayList<>();
            Map<Memory, Exporter> exporters = new HashMap<>();
            List<Device> devices = new ArrayList<>();
            int count = 1 + random.nextInt(5);
            for (int i = 0; i < count; i++) {
                Kind kind = DEVICES.get(random.nextInt(DEVICES.size()));
                Memory memory = random.nextInt(8) == 0 ? null : DRAWN.get(random.nextInt(DRAWN.size()));
                Exporter exporter = null;
                if (memory != null) {
                    // Now and then two devices like the same.
                    exporter = random.nextInt(3) == 0 ? exporters.get(memory) : null;
                    if (exporter == null) exporter = open(machine, memory, pools);
                    exporters.put(memory, exporter);
                }
                DeviceFunction function = machine.core().function("device" + i, kind.params());
                devices.add(new Device(new Candidate(function, Stream.COHERENT, exporter), kind, memory));
            }
            check("seed %d, round %d: %s".formatted(SEED, round, devices), machine, devices);
            for (MemoryPool pool : pools) {
                assertThat(pool.freePages()).as("seed %d, round %d: all is given back", SEED, round)
                        .isIn(512, PAGES - 1);
            }
            for (Device device : devices) assertThat(device.candidate.function().liveMappings()).isZero();
            machine.found();
        }
    }

    private void check(String what, Machine machine, List<Device> devices) throws IOException {
        List<Device> offering = devices.stream().sorted(Comparator.comparingInt(
                (Device device) -> -device.candidate.function().params().pickiness())).toList();
        List<Choice> expected = new ArrayList<>();
        List<String> tried = new ArrayList<>();
        List<Device> left = new ArrayList<>(devices);
        Choice best = best(left, offering, tried);
        while (best != null) {
            expected.add(best);
            left.removeAll(best.served);
            best = left.isEmpty() ? null : best(left, offering, tried);
        }
        List<Candidate> candidates = devices.stream().map(Device::candidate).toList();
        try (Allocation found = Allocation.allocateFor(machine.core(), "frame", PAGES * PAGE, candidates)) {
            assertThat(left).as(what).isEmpty();
            assertThat(found.attempts()).as(what).extracting(Attempt::of).containsExactlyElementsOf(tried);
            assertThat(found.shares()).as(what).hasSameSizeAs(expected);
            for (int i = 0; i < expected.size(); i++) {
                Share share = found.shares().get(i);
                assertThat(share.buffer().exporter()).as(what).isSameAs(expected.get(i).of.candidate.exporter());
                assertThat(names(share)).as(what).containsExactlyElementsOf(names(expected.get(i).served));
                for (Device device : expected.get(i).served) {
                    assertThat(found.attachment(device.candidate.function()).buffer()).isSameAs(share.buffer());
                }
            }
            assertThat(found.isShared()).isEqualTo(expected.size() == 1);
            assertThat(found.copiedBytes()).isEqualTo((expected.size() - 1L) * PAGES * PAGE);
            // The last attempt of each buffer, and only that one, may suit all that were left.
            long all = found.attempts().stream().filter(Attempt::suitsAll).count();
            assertThat(all).as(what).isLessThanOrEqualTo(expected.size());
            if (expected.size() == 1) assertThat(found.attempts().getLast().suitsAll()).as(what).isTrue();
            if (expected.size() == 1) shared++;
            else copied++;
        } catch (DmaBufException refusal) {
            assertThat(left).as("%s: %s", what, refusal.getMessage()).isNotEmpty();
            for (Device device : left) assertThat(refusal).hasMessageContaining(device.candidate.function().name());
            assertThat(
                    String.valueOf(refusal.getMessage()).lines().skip(1).filter(line -> line.startsWith("memory of ")))
                    .as(what).hasSameSizeAs(tried);
            refused++;
        }
    }

    @Test
    void theFirstThatSuitsMostIsTaken() throws IOException {
        for (int round = 0; round < ROUNDS; round++) round(round);
        System.out.printf("allocations, seed %d: %d shared, %d copied, %d refused%n", SEED, shared, copied, refused);
        assertThat(shared).isGreaterThan(ROUNDS / 10);
        assertThat(copied).isGreaterThan(ROUNDS / 20);
        assertThat(refused).isGreaterThan(ROUNDS / 10);
    }
}
