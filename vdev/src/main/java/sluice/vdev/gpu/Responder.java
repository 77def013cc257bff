package sluice.vdev.gpu;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

import sluice.dmacore.memory.Snapshot;
import sluice.vdev.queue.Chain;

/**
 * Writes responses. {@link #begin} stores the fields that a response repeats, so that a command may be answered after
 * its snapshot is reused.
 */
final class Responder {
    private final byte[] bytes = new byte[Wire.Edid.BYTES];
    private final ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    private int flags;
    private long fenceId;
    private int contextId;
    private int ringIndex;

    /**
     * Stores the fence of {@code command} for its response. A command with an incomplete header has none.
     *
     * @param rings whether a fence may be of a ring of its context
     */
    void begin(Snapshot command, boolean rings) {
        boolean fenced = command.length() >= Wire.Header.BYTES
                && (command.u32(Wire.Header.FLAGS) & Wire.Header.FLAG_FENCE) != 0;
        int kept = rings ? Wire.Header.FLAG_FENCE | Wire.Header.FLAG_INFO_RING_IDX : Wire.Header.FLAG_FENCE;
        flags = fenced ? command.u32(Wire.Header.FLAGS) & kept : 0;
        fenceId = fenced ? command.u64(Wire.Header.FENCE_ID) : 0;
        contextId = fenced ? command.u32(Wire.Header.CTX_ID) : 0;
        ringIndex = fenced ? command.u8(Wire.Header.RING_IDX) : 0;
    }

    /** Answers with a header only. */
    void respond(Chain chain, Response response) {
        header(response);
        chain.respond(bytes, Wire.Header.BYTES);
    }

    /** Answers with {@code payload}, a complete response; its header is filled in here. */
    void respond(Chain chain, Response response, byte[] payload) {
        System.arraycopy(payload, 0, bytes, 0, payload.length);
        header(response);
        chain.respond(bytes, payload.length);
    }

    private void header(Response response) {
        buffer.putInt(Wire.Header.TYPE, response.wireNumber());
        buffer.putInt(Wire.Header.FLAGS, flags);
        buffer.putLong(Wire.Header.FENCE_ID, fenceId);
        buffer.putInt(Wire.Header.CTX_ID, contextId);
        buffer.putInt(Wire.Header.RING_IDX, ringIndex);
    }
}
