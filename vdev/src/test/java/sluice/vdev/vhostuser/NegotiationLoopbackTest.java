package sluice.vdev.vhostuser;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.DeviceSession.Profile;
import sluice.vdev.fixture.DeviceSession.Realized;
import sluice.vdev.fixture.FdInfo;
import sluice.vdev.fixture.FrontEnd;
import sluice.vdev.fixture.FrontEndQueue;
import sluice.vdev.fixture.QueueLayout;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.fixture.WireMessage;
import sluice.vdev.gpu.GpuOptions;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.GpuBackEnd;
import sluice.vdev.queue.RingFeatures;

import static org.assertj.core.api.Assertions.assertThat;

/** What is said before a device runs; the fixture itself fails on replies with other flags or sizes than QEMU takes. */
class NegotiationLoopbackTest {
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);
    private static final int NUM_SCANOUTS = 8;

    private GpuBackEnd backEnd;
    private FrontEnd frontEnd;

    @BeforeEach
    void connect() throws IOException {
        backEnd = new GpuBackEnd(new GpuOptions(3, GpuOptions.DEFAULT_MEMORY_LIMIT));
        frontEnd = backEnd.connect();
    }

    @AfterEach
    void end() {
        frontEnd.close();
        backEnd.awaitGone();
        backEnd.close();
    }

    @Test
    void qemuFindsWhatItNeeds() throws IOException {
        try (AttachedGpu gpu = AttachedGpu.start()) {
            assertThat(gpu.session().ackedFeatures() & 2).as("EDID").isEqualTo(2);
            gpu.pause();
            Realized realized = gpu.session().realize();
            assertThat(realized.features()).isEqualTo(2 | 4 | VhostUserBits.QEMU_FORCED
                    | VhostUserBits.F_ACCESS_PLATFORM | RingFeatures.ALL);
            assertThat(realized.queueNum()).isEqualTo(2);
            assertThat(realized.memSlots()).isEqualTo(509);
            assertThat(realized.protocolFeatures() & (VhostUserBits.P_CONFIG | VhostUserBits.P_RESET_DEVICE
                    | VhostUserBits.P_CONFIGURE_MEM_SLOTS | VhostUserBits.P_REPLY_ACK | VhostUserBits.P_MQ))
                    .isEqualTo(VhostUserBits.P_CONFIG | VhostUserBits.P_RESET_DEVICE
                            | VhostUserBits.P_CONFIGURE_MEM_SLOTS | VhostUserBits.P_REPLY_ACK | VhostUserBits.P_MQ);
            // Bits that break a stock QEMU when they are offered without a meaning.
            assertThat(realized.protocolFeatures() & (1L << 14 | 1L << 17 | 1L << 1)).isZero();
            gpu.resume();
            gpu.driver().getDisplayInfo().outputs();
        }
    }

    /** A counter that is full would hold who signals it; the flag belongs to the open file, so the front-end sees it too. */
    @Test
    void whatWeSignalIsMadeNonBlocking() throws IOException {
        try (Fd call = EventFd.create(); Fd error = EventFd.create()) {
            UnixSocket.setBlocking(call);
            UnixSocket.setBlocking(error);
            frontEnd.setVringCall(0, call);
            frontEnd.setVringErr(0, error);
            frontEnd.getFeatures();
            assertThat(FdInfo.isNonBlocking(call)).isTrue();
            assertThat(FdInfo.isNonBlocking(error)).isTrue();
        }
    }

    @Test
    void bothVersionsOfQemuAndOneThatNeverAsksForAcknowledgementsWork() throws IOException {
        for (Profile profile : new Profile[]{ Profile.qemu10(), Profile.qemu11(), Profile.qemu10().acknowledging(false),
                Profile.qemu10().withoutProtocol(VhostUserBits.P_REPLY_ACK),
                Profile.qemu10().withoutProtocol(VhostUserBits.P_MQ | VhostUserBits.P_BACKEND_REQ),
                Profile.qemu10().withoutProtocol(VhostUserBits.P_CONFIGURE_MEM_SLOTS),
                Profile.qemu10().withoutForced(VhostUserBits.F_EVENT_IDX | VhostUserBits.F_INDIRECT) }) {
            try (AttachedGpu gpu = AttachedGpu.start(profile)) {
                assertThat(gpu.driver().getDisplayInfo().outputs().getFirst().enabled()).isTrue();
            }
        }
    }

    @Test
    void withoutProtocolFeaturesRingsAreEnabledWithoutAMessage() throws IOException {
        try (AttachedGpu gpu = AttachedGpu.start()) {
            gpu.session().stop();
            FrontEnd plain = gpu.session().frontEnd();
            plain.setFeatures(VhostUserBits.QEMU_FORCED & ~VhostUserBits.F_PROTOCOL_FEATURES);
            FrontEndQueue queue = gpu.session().queue(0);
            QueueLayout layout = queue.driver().layout();
            plain.setVringNum(0, layout.size());
            plain.setVringBase(0, queue.driver().lastUsed());
            plain.setVringAddr(0, 0, gpu.ram().userAddress(layout.descriptorAddress()),
                    gpu.ram().userAddress(layout.usedAddress()), gpu.ram().userAddress(layout.availAddress()), 0);
            plain.setVringKick(0, queue.kickFd());
            assertThat(gpu.driver().getDisplayInfo().outputs()).hasSize(16);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = { 16, 20, 0, 1, 12, 24, 256 })
    void configIsAsLongAsItWasAskedFor(int size) throws IOException {
        byte[] expected = new byte[size];
        if (size > NUM_SCANOUTS) {
            expected[NUM_SCANOUTS] = 3;
        }
        assertThat(frontEnd.getConfig(0, size)).hasValueSatisfying(bytes -> assertThat(bytes).isEqualTo(expected));
    }

    @Test
    void configIsReadAtEveryOffset() throws IOException {
        byte[] whole = frontEnd.getConfig(0, 24).orElseThrow();
        for (int offset = 0; offset <= 24; offset++) {
            for (int size = 0; offset + size <= 24; size++) {
                assertThat(frontEnd.getConfig(offset, size).orElseThrow())
                        .isEqualTo(Arrays.copyOfRange(whole, offset, offset + size));
            }
        }
        assertThat(frontEnd.getConfig(256, 0)).hasValueSatisfying(bytes -> assertThat(bytes).isEmpty());
    }

    @Test
    void configWritesChangeNothingAndAreFine() throws IOException {
        byte[] before = frontEnd.getConfig(0, 20).orElseThrow();
        frontEnd.setConfig(4, new byte[]{ -1, -1, -1, -1 });
        frontEnd.setConfig(0, new byte[256]);
        frontEnd.setConfig(256, new byte[0]);
        assertThat(frontEnd.getConfig(0, 20)).hasValueSatisfying(bytes -> assertThat(bytes).isEqualTo(before));
    }

    @ParameterizedTest
    @CsvSource({ "0,257", "256,1", "250,7", "-1,1", "0,-1", "2147483647,2147483647" })
    void configBeyondItsLimitEndsTheConnection(int offset, int size) throws IOException {
        ByteBuffer body = body(12).putInt(0, offset).putInt(4, size);
        frontEnd.send(24, FrontEnd.VERSION, body);
        assertThat(frontEnd.closedWithin(Deadline.USUAL)).isTrue();
        assertThat(backEnd.log().count("configuration access of")).isEqualTo(1);
    }

    @Test
    void acknowledgementsComeOnlyOnceNegotiated() throws IOException {
        frontEnd.send(3, FrontEnd.VERSION | FrontEnd.NEED_REPLY, NOTHING);
        // Had SET_OWNER been acknowledged, this answer would be the wrong one.
        frontEnd.getFeatures();
        frontEnd.setProtocolFeatures(VhostUserBits.P_REPLY_ACK);
        frontEnd.acknowledge(true);
        frontEnd.setOwner();
        frontEnd.request(4, NOTHING);
        // Messages with an answer of their own get that answer, and only that.
        frontEnd.send(1, FrontEnd.VERSION | FrontEnd.NEED_REPLY, NOTHING);
        WireMessage reply = frontEnd.receiveRaw(Deadline.USUAL).orElseThrow();
        assertThat(reply.request()).isEqualTo(1);
        assertThat(reply.payload().remaining()).isEqualTo(8);
        assertThat(reply.flags()).isEqualTo(5);
        frontEnd.getQueueNum();
    }

    @ParameterizedTest
    @ValueSource(ints = { 0, 6, 7, 19, 20, 23, 26, 27, 28, 31, 32, 35, 39, 41, 42, 44, 45, 1000, -1 })
    void whatIsNotOfferedIsRefusedAndTheSessionGoesOn(int number) throws IOException {
        frontEnd.request(number, body(8));
        frontEnd.getFeatures();
        frontEnd.setProtocolFeatures(VhostUserBits.P_REPLY_ACK);
        frontEnd.acknowledge(true);
        try (Fd fd = EventFd.create()) {
            assertThat(frontEnd.request(number, body(40), fd).value()).isNotZero();
        }
        assertThat(frontEnd.getQueueNum()).isEqualTo(2);
        assertThat(backEnd.log().count("unsupported request ")).isEqualTo(2);
    }

    @Test
    void aTranslationWithoutAnIommuIsRefused() throws IOException {
        frontEnd.setProtocolFeatures(VhostUserBits.P_REPLY_ACK);
        frontEnd.acknowledge(true);
        frontEnd.setFeatures(VhostUserBits.QEMU_FORCED);
        ByteBuffer update = body(32).putLong(0, 0x1000).putLong(8, 0x1000).putLong(16, 0x7000).put(24, (byte) 3);
        assertThat(frontEnd.request(22, update.put(25, (byte) 2)).value()).isNotZero();
        assertThat(frontEnd.request(22, update.put(25, (byte) 3)).value()).as("nothing to forget is no error").isZero();
        frontEnd.getFeatures();
    }

    @Test
    void featuresQemuSetsUnofferedAreTaken() throws IOException {
        frontEnd.setProtocolFeatures(VhostUserBits.P_REPLY_ACK);
        frontEnd.acknowledge(true);
        frontEnd.setFeatures(VhostUserBits.QEMU_FORCED | 1L << 24 | 1L << 35 | 7);
        assertThat(backEnd.log().complaints()).isEmpty();
    }

    @Test
    void questionsAskedTogetherAreAnsweredInOrder() throws IOException {
        for (int i = 0; i < 50; i++) {
            frontEnd.send(i % 2 == 0 ? 1 : 17, FrontEnd.VERSION, NOTHING);
        }
        for (int i = 0; i < 50; i++) {
            assertThat(frontEnd.receiveRaw(Deadline.USUAL).orElseThrow().request()).isEqualTo(i % 2 == 0 ? 1 : 17);
        }
    }

    private static ByteBuffer body(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.nativeOrder());
    }
}
