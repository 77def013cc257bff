package sluice.vdev.host;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

import org.junit.jupiter.api.Test;

import sluice.iommu.AddressRange;
import sluice.iommu.injection.Occurrences;
import sluice.vdev.device.DeviceLoop;

import static org.assertj.core.api.Assertions.assertThat;

/** Faults of one device, and what each event is to them. */
class HostFaultsTest {
    private static final AddressRange ALL = new AddressRange(0, -1);

    private final List<String> done = new ArrayList<>();

    /** Does what comes later at once, and notes it. */
    private final class Later implements DeviceLoop {
        @Override
        public String name() {
            return "later";
        }

        @Override
        public Runnable after(long nanos, Runnable task) {
            done.add("after " + nanos);
            task.run();
            return () -> {};
        }

        @Override
        public Runnable every(long nanos, Runnable task) {
            throw new AssertionError("nothing comes again and again");
        }

        @Override
        public void execute(Runnable task) {
            throw new AssertionError("nothing is handed over");
        }
    }

    private static List<Long> counts(HostFaults faults) {
        return faults.counts().values().stream().map(LongSupplier::getAsLong).toList();
    }

    @Test
    void anInterruptIsLostOrLateOrNeither() {
        HostFaults faults = new HostFaults(List.of(new HostFault.LostInterrupt("lost", Occurrences.nth(2), 1),
                new HostFault.LateInterrupt("late", new Occurrences(2, 1), HostFault.ANY, Duration.ofNanos(7))));
        for (int vector : new int[]{ 1, 1, 0, HostFault.LINE, 1 })
            faults.deliver(vector, new Later(), () -> done.add("interrupt " + vector));
        // The second of vector 1 is lost, so that only four come to the other.
        assertThat(done).containsExactly("interrupt 1", "after 7", "interrupt 0", "interrupt -1", "interrupt 1");
        assertThat(counts(faults)).containsExactly(1L, 1L);
        assertThat(faults.counts().keySet()).containsExactly("lost", "late");
    }

    @Test
    void theFirstOfSeveralCounts() {
        HostFault.ShortWrite shorter = new HostFault.ShortWrite("short", Occurrences.nth(2), ALL, 5);
        HostFault.Overrun beyond = new HostFault.Overrun("beyond", Occurrences.ALWAYS, AddressRange.of(100, 10), 3);
        HostFaults faults = new HostFaults(List.of(shorter, beyond));
        assertThat(faults.ofWrites()).isTrue();
        assertThat(faults.onWrite(100)).isEqualTo(beyond);
        assertThat(faults.onWrite(100)).isEqualTo(shorter);
        assertThat(faults.onWrite(110)).as("elsewhere").isNull();
        assertThat(faults.onWrite(109)).isEqualTo(beyond);
        assertThat(counts(faults)).containsExactly(1L, 2L);
    }

    @Test
    void aWriteThatWasNotDoneIsNoEvent() {
        HostFault.ShortWrite shorter = new HostFault.ShortWrite("short", Occurrences.nth(2), ALL, 5);
        HostFault.Overrun beyond = new HostFault.Overrun("beyond", Occurrences.nth(1), ALL, 3);
        HostFaults faults = new HostFaults(List.of(shorter, beyond));
        for (int i = 0; i < 3; i++) {
            assertThat(faults.onWrite(0)).isEqualTo(beyond);
            faults.notWritten(0, beyond);
        }
        assertThat(counts(faults)).containsExactly(0L, 0L);
        assertThat(faults.onWrite(0)).isEqualTo(beyond);
        assertThat(faults.onWrite(0)).isEqualTo(shorter);
        faults.notWritten(0, shorter);
        assertThat(faults.onWrite(0)).isEqualTo(shorter);
        assertThat(faults.onWrite(0)).isNull();
        faults.notWritten(0, null);
        assertThat(counts(faults)).containsExactly(1L, 1L);
    }

    @Test
    void nothingGoesWrongByItself() {
        HostFaults none = HostFaults.none();
        none.deliver(0, new Later(), () -> done.add("interrupt"));
        assertThat(done).containsExactly("interrupt");
        assertThat(none.ofWrites()).isFalse();
        assertThat(none.onUnmap()).isNull();
        assertThat(none.counts()).isEmpty();
    }
}
