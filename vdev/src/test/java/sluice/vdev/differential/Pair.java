package sluice.vdev.differential;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Random;

import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.DeviceSession.Profile;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.gpu.GpuOptions;
import sluice.vdev.loopback.GpuBackEnd;

/** Ours and the peer, fresh, in front of the same guest memory. */
final class Pair implements AutoCloseable {
    /** Pages of the pool that backings are made of. */
    static final int POOL_PAGES = 48;

    /** What fresh memory of the peer holds: as a type or a flag it means nothing. */
    static final int FILL = 0x5a;

    private static final long SEED = 20_261_121;

    private final GuestRam ram;
    private final List<Buffer> pool;
    private final PeerProgram program;
    private final GpuBackEnd backEnd;
    private final Side ours;
    private final Side peer;

    private boolean peerIsBroken;

    /**
     * Starts both.
     *
     * @param eventIndex whether the rings have EVENT_IDX
     * @param limit      how long an answer may take
     */
    Pair(boolean eventIndex, Duration limit) throws IOException {
        Profile profile = eventIndex
                ? Profile.qemu10()
                : Profile.qemu10().withoutForced(VhostUserBits.F_EVENT_IDX);
        ram = GuestRam.split(2 << 20, 2 << 20, SEED);
        pool = ram.allocateScattered((long) POOL_PAGES * GuestRam.PAGE);
        program = new PeerProgram(FILL);
        backEnd = new GpuBackEnd(GpuOptions.defaults());
        ours = new Side(backEnd.connect(), ram, profile, limit);
        peer = new Side(program.connect(), ram, profile, limit);
        peer.display().allowHangUp();
        peer.display().ignoreFlags();
        peer.display().ignoreBadUpdates();
    }

    /** The pages that backings are made of, at the same places in every pair. */
    List<Buffer> pool() {
        return pool;
    }

    Side ours() {
        return ours;
    }

    Side peer() {
        return peer;
    }

    PeerProgram program() {
        return program;
    }

    /** The guest draws. */
    void draw(Step.Draw step) {
        byte[] noise = new byte[GuestRam.PAGE];
        new Random(step.seed()).nextBytes(noise);
        ram.write(pool.get(step.page()), ByteBuffer.wrap(noise));
    }

    /** The peer was broken on purpose: how it ends is not looked at. */
    void peerIsBroken() {
        peerIsBroken = true;
    }

    /** Ends both; fails the test if one of them went wrong inside or harmed its display. */
    @Override
    public void close() throws IOException {
        try (ram; program) {
            try {
                peer.close();
            } catch (AssertionError failure) {
                if (!peerIsBroken) {
                    throw failure;
                }
            } finally {
                ours.close();
                backEnd.awaitGone();
                backEnd.close();
            }
        }
    }
}
