package sluice.vdev.differential;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

import sluice.vdev.differential.Step.Command;
import sluice.vdev.fixture.GpuWire;

/**
 * Gives both GPUs the same steps and compares what they answer and show. Commands of the control queue go in batches of
 * up to eight; one that displays may learn of ends its batch.
 */
final class Comparison {
    private static final int BATCH = 8;
    private static final int OK = 0x1100;
    private static final int ERRORS = 0x1200;

    private final Pair pair;
    private final Tally tally;
    private final World world = new World();
    private final DisplayJudge displays;
    private final List<Command> batch = new ArrayList<>();

    Comparison(Pair pair, Tally tally) {
        this.pair = pair;
        this.tally = tally;
        this.displays = new DisplayJudge(world, tally);
    }

    /** What the guest knows; it is behind the batch that is not sent yet. */
    World world() {
        return world;
    }

    /**
     * Runs all steps to their end.
     *
     * @throws Mismatch if the two differ and no accepted difference explains it
     */
    void run(List<Step> steps) throws IOException {
        for (Step step : steps) {
            switch (step) {
                case Step.Draw draw -> {
                    finish();
                    pair.draw(draw);
                }
                case Step.Wait ignored -> finish();
                case Command command -> add(command);
            }
        }
        finish();
    }

    private void add(Command command) throws IOException {
        if (!batch.isEmpty() && batch.getFirst().queue() != command.queue()) {
            finish();
        }
        batch.add(command);
        if (batch.size() == BATCH || command.isShown() || command.queue() == Step.Queue.CURSOR) {
            finish();
        }
    }

    private void finish() throws IOException {
        if (batch.isEmpty()) {
            return;
        }
        List<Command> sent = List.copyOf(batch);
        batch.clear();
        pair.ours().send(sent);
        pair.peer().send(sent);
        List<ByteBuffer> ours = await(pair.ours(), "ours", sent);
        List<ByteBuffer> peer = await(pair.peer(), "the peer", sent);
        Command last = sent.getLast();
        List<Seen> shownByOurs = pair.ours().takeSeen();
        List<Seen> shownByPeer = pair.peer().takeSeen();
        for (int i = 0; i < sent.size(); i++) {
            answers(sent.get(i), bytes(ours.get(i)), bytes(peer.get(i)));
        }
        if (last.queue() == Step.Queue.CURSOR) {
            displays.cursor(last, shownByOurs, shownByPeer);
        } else {
            displays.control(last, shownByOurs, shownByPeer, sent.stream().filter(Comparison::isCutQuestion).count());
        }
    }

    private List<ByteBuffer> await(Side side, String name, List<Command> sent) throws IOException {
        try {
            return side.answers();
        } catch (AssertionError failure) {
            String said = pair.program().hasEnded() ? "; vhost-user-gpu has ended: " + pair.program().said() : "";
            throw new Mismatch(name + " failed at " + Command.name(sent.getLast().type()),
                    "%s%s (%s)".formatted(failure.getMessage(), said, sent));
        }
    }

    private static byte[] bytes(ByteBuffer answer) {
        byte[] bytes = new byte[answer.limit()];
        answer.get(0, bytes);
        return bytes;
    }

    private void answers(Command command, byte[] ours, byte[] peer) {
        if (command.queue() == Step.Queue.CURSOR) {
            if (!Arrays.equals(ours, peer)) {
                if (peer.length != 0 || ours.length != Math.min(GpuWire.HDR_BYTES, command.room())) {
                    throw differ(command, ours, peer);
                }
                tally.accepted(Accepted.CURSOR_ANSWER);
            }
            return;
        }
        byte[] byPeer = peer.clone();
        if (isRingLeftOut(command, ours, peer)) {
            byPeer[GpuWire.HDR_RING] = ours[GpuWire.HDR_RING];
            tally.accepted(Accepted.RING_INDEX);
        }
        if (!Arrays.equals(ours, byPeer)) {
            Difference difference = new Difference(command, ours, byPeer, world);
            tally.accepted(Arrays.stream(Accepted.values()).filter(difference::is).findFirst()
                    .orElseThrow(() -> differ(command, ours, peer)));
        }
        tally.command(command.is(command.type()) ? Command.name(command.type()) : "no header", isOk(ours));
        world.note(command, isOk(ours), isOk(peer));
    }

    /** Whether the peer asks its display for a command that ours refuses, see {@link Accepted#SHORT_HEADER}. */
    private static boolean isCutQuestion(Command command) {
        return command.type() == GpuWire.CMD_GET_DISPLAY_INFO && !command.isWhole();
    }

    private static boolean isRingLeftOut(Command command, byte[] ours, byte[] peer) {
        return command.isFenced() && ours.length > GpuWire.HDR_RING && peer.length > GpuWire.HDR_RING
                && peer[GpuWire.HDR_RING] == 0 && ours[GpuWire.HDR_RING] != 0
                && ours[GpuWire.HDR_RING] == command.bytes().get(GpuWire.HDR_RING);
    }

    private static boolean isOk(byte[] answer) {
        if (answer.length < Integer.BYTES) {
            return false;
        }
        int type = Integer.reverseBytes(ByteBuffer.wrap(answer).getInt(0));
        return type >= OK && type < ERRORS;
    }

    private static Mismatch differ(Command command, byte[] ours, byte[] peer) {
        HexFormat hex = HexFormat.of();
        return new Mismatch("the answers to %s differ, %s and %s".formatted(Command.name(command.type()), type(ours),
                type(peer)),
                "%s was answered %s by ours and %s by the peer".formatted(command,
                        hex.formatHex(ours, 0, Math.min(ours.length, 64)),
                        hex.formatHex(peer, 0, Math.min(peer.length, 64))));
    }

    private static String type(byte[] answer) {
        return answer.length < Integer.BYTES
                ? answer.length + " bytes"
                : "0x%x (%d bytes)".formatted(Integer.reverseBytes(ByteBuffer.wrap(answer).getInt(0)), answer.length);
    }
}
