package sluice.vdev.vhostuser;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

import io.netty.channel.IoEventLoop;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.dmacore.linux.UnixSocket;
import sluice.dmacore.memory.FileMappings;
import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.DeviceSession;
import sluice.vdev.fixture.DeviceSession.Profile;
import sluice.vdev.fixture.FrontEnd;
import sluice.vdev.fixture.FrontEndQueue;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.host.DeviceHost;
import sluice.vdev.host.HostLoop;
import sluice.vdev.host.Loops;
import sluice.vdev.loopback.FrontIommuPeer;
import sluice.vdev.loopback.LogTap;
import sluice.vdev.vhostuser.FailingDevice.Call;

import static org.assertj.core.api.Assertions.assertThat;

/** A device that throws: its front-end gets each answer all the same, and the log says once what has failed. */
class FailingDeviceLoopbackTest {
    private static final int SIZE = 8;
    private static final int PAGE = 4096;

    private final LogTap log = new LogTap();
    private final IoEventLoop control = Loops.start("failing-control");
    private final IoEventLoop loop = Loops.start("failing-device");
    private final FailingDevice device = new FailingDevice();
    private final BackEnd backEnd = new BackEnd(new DeviceHost(device, new HostLoop("failing", loop)),
            FileMappings.ofProcess(), null);
    private final Semaphore gone = new Semaphore(0);
    private GuestRam ram;

    @BeforeEach
    void start() throws IOException {
        ram = GuestRam.single(1 << 20, 1);
    }

    @AfterEach
    void end() throws IOException {
        ram.close();
        for (IoEventLoop one : new IoEventLoop[]{ control, loop }) {
            Loops.stop(one);
            assertThat(one.parent().terminationFuture().awaitUninterruptibly(10, TimeUnit.SECONDS)).isTrue();
        }
        log.close();
    }

    /** A guest with the device's one queue, behind an IOMMU. */
    private final class Guest implements AutoCloseable {
        final DeviceSession session;
        final FrontIommuPeer iommu;
        private final Buffer buffer = ram.allocate(PAGE);

        Guest() throws IOException {
            UnixSocket.Pair pair = UnixSocket.pair();
            control.execute(() -> backEnd.serve(pair.second(), control, gone::release));
            Profile plain = Profile.qemu10();
            session = new DeviceSession(new FrontEnd(pair.first()), ram, new Profile(plain.protocolBits(), 0,
                    plain.forcedFeatures() | VhostUserBits.F_ACCESS_PLATFORM, true, true), SIZE);
            session.attach();
            iommu = new FrontIommuPeer(session, ram);
        }

        FrontEndQueue queue() {
            return session.queue(0);
        }

        /** One more chain; whether it comes back is another matter. */
        void submit() throws IOException {
            queue().driver().submit(List.of(buffer), List.of());
            queue().kick();
        }

        boolean comesBack() {
            return queue().awaitInterrupt(Deadline.USUAL) && queue().driver().poll().isPresent();
        }

        /** Everything that was asked of the device before is over. */
        void settle() throws IOException {
            session.frontEnd().setVringEnable(0, true);
        }

        @Override
        public void close() throws IOException {
            iommu.close();
            session.close();
            ram.free(buffer);
            assertThat(acquire()).as("the front-end is let go").isTrue();
        }

        private boolean acquire() {
            try {
                return gone.tryAcquire(10, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
        }
    }

    private void assertWorks() throws IOException {
        try (Guest next = new Guest()) {
            next.session.start();
            next.submit();
            assertThat(next.comesBack()).as("the next guest's command").isTrue();
        }
    }

    /** The whole life of a guest: each request is answered, or the front-end's own time limit fails the test. */
    @ParameterizedTest
    @EnumSource
    void everyRequestIsAnsweredWhateverFails(Call call) throws IOException {
        try (Guest guest = new Guest()) {
            device.fail(call);
            FrontEnd frontEnd = guest.session.frontEnd();
            guest.session.start();
            guest.submit();
            if (call != Call.START && call != Call.START_QUEUE) assertThat(guest.comesBack()).isTrue();
            guest.iommu.invalidate(0, PAGE);
            guest.iommu.invalidate(0, PAGE);
            frontEnd.setConfig(0, new byte[8]);
            assertThat(frontEnd.getConfig(0, 8).isPresent()).isEqualTo(call != Call.READ_CONFIG);
            guest.session.stop();
            guest.session.start();
            guest.session.stopAndReset();
        }
        if (call == Call.WRITE_CONFIG) {
            assertThat(log.count("failing: writeConfig failed")).isEqualTo(1);
        } else {
            assertThat(log.count("failing failed in " + call.text)).as("%s", log.complaints()).isEqualTo(1);
            assertThat(log.count("failing")).isEqualTo(1);
        }
        device.fail();
        assertWorks();
    }

    @Test
    void aDeviceThatMayHoldWhatIsTakenBackWorksNoMoreUntilItIsReset() throws IOException {
        try (Guest guest = new Guest()) {
            guest.session.start();
            guest.submit();
            assertThat(guest.comesBack()).isTrue();
            device.fail(Call.INVALIDATED);
            guest.iommu.invalidate(guest.buffer.address(), PAGE);
            assertThat(guest.queue().awaitError(Deadline.USUAL)).as("the queue's error is signalled").isTrue();
            guest.submit();
            guest.settle();
            assertThat(device.completed).hasValue(1);
            device.fail();
            assertThat(guest.session.stop().getFirst().base()).as("the chain was not taken").isEqualTo(1);
            guest.session.stopAndReset();
            guest.session.start();
            guest.submit();
            assertThat(guest.comesBack()).isTrue();
        }
    }

    @Test
    void aQueueThatDoesNotStopHasItsPositionAllTheSame() throws IOException {
        try (Guest guest = new Guest()) {
            guest.session.start();
            for (int i = 0; i < 3; i++) {
                guest.submit();
                assertThat(guest.comesBack()).isTrue();
            }
            device.fail(Call.STOP_QUEUE);
            assertThat(guest.session.stop().getFirst().base()).isEqualTo(3);
        }
    }

    @Test
    void whatWasDoneBeforeTheDeviceFailedIsGivenBack() throws IOException {
        try (Guest guest = new Guest()) {
            guest.session.start();
            device.fail(Call.NOTIFIED);
            guest.submit();
            assertThat(guest.comesBack()).isTrue();
            assertThat(guest.queue().awaitError(Deadline.USUAL)).isTrue();
        }
    }

    /** The next guest must not meet what the one before has left in a device. */
    @Test
    void aDeviceThatWasNotResetAtTheEndIsResetBeforeTheNextGuestOrDoesNotWork() throws IOException {
        try (Guest guest = new Guest()) {
            guest.session.start();
            device.fail(Call.RESET);
        }
        try (Guest next = new Guest()) {
            next.session.start();
            next.submit();
            next.settle();
            assertThat(device.completed).hasValue(0);
        }
        device.fail();
        assertWorks();
    }
}
