package sluice.vdev.differential;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;

import sluice.vdev.fixture.ChainForm;
import sluice.vdev.fixture.GpuWire;

/** One thing a guest does. Steps hold bytes and no state, so that a stream stays one when some are left out. */
sealed interface Step {
    /** The queue a command goes to. */
    enum Queue {
        CONTROL,
        CURSOR
    }

    /**
     * The guest draws noise into one page of its memory.
     *
     * @param page number of the page in the guest's pool
     * @param seed of the noise
     */
    record Draw(int page, long seed) implements Step {}

    /** The guest waits for all answers before it goes on. */
    record Wait() implements Step {}

    /**
     * The guest sends a command.
     *
     * @param bytes of the request, little-endian, from 0 to the limit
     * @param room  bytes for the answer
     * @param form  how the chain is laid out
     * @param piece most bytes of one descriptor
     */
    record Command(Queue queue, ByteBuffer bytes, int room, ChainForm form, int piece) implements Step {
        public Command {
            bytes = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
        }

        int length() {
            return bytes.limit();
        }

        /** A number of the request; 0 where it is too short for it. */
        int u32(int at) {
            return at + Integer.BYTES <= length() ? bytes.getInt(at) : 0;
        }

        long u64(int at) {
            return at + Long.BYTES <= length() ? bytes.getLong(at) : 0;
        }

        /** The type; 0, which is none, where the request is too short for it. */
        int type() {
            return length() < Integer.BYTES ? 0 : u32(GpuWire.HDR_TYPE);
        }

        boolean is(int type) {
            return type() == type && length() >= GpuWire.HDR_BYTES;
        }

        boolean isFenced() {
            return length() >= GpuWire.HDR_BYTES && (u32(GpuWire.HDR_FLAGS) & GpuWire.FLAG_FENCE) != 0;
        }

        /** Whether its type is a 2D command or a cursor's, and no byte of its structure is missing. */
        boolean isWhole() {
            int size = sizeOf(type());
            return size > 0 && length() >= size;
        }

        /** Whether displays may learn of it, so that it must be the last of a batch. */
        boolean isShown() {
            return queue == Queue.CONTROL && (type() == GpuWire.CMD_RESOURCE_UNREF || type() == GpuWire.CMD_SET_SCANOUT
                    || type() == GpuWire.CMD_RESOURCE_FLUSH);
        }

        /** The resource it is about, by its type; 0 for none. */
        int resource() {
            return switch (type()) {
                case GpuWire.CMD_RESOURCE_CREATE_2D, GpuWire.CMD_RESOURCE_UNREF, GpuWire.CMD_RESOURCE_ATTACH_BACKING,
                        GpuWire.CMD_RESOURCE_DETACH_BACKING ->
                    u32(GpuWire.RESOURCE_ONLY_ID);
                case GpuWire.CMD_SET_SCANOUT -> u32(GpuWire.SET_SCANOUT_RESOURCE);
                case GpuWire.CMD_RESOURCE_FLUSH -> u32(GpuWire.FLUSH_RESOURCE);
                case GpuWire.CMD_TRANSFER_TO_HOST_2D -> u32(GpuWire.TRANSFER_RESOURCE);
                case GpuWire.CMD_UPDATE_CURSOR -> u32(GpuWire.CURSOR_RESOURCE);
                default -> 0;
            };
        }

        /** Bytes of a command's structure, 0 for a type that is none (virtio 1.3, 5.7.6.8 and 5.7.6.10). */
        static int sizeOf(int type) {
            return switch (type) {
                case GpuWire.CMD_GET_DISPLAY_INFO -> GpuWire.HDR_BYTES;
                case GpuWire.CMD_RESOURCE_CREATE_2D -> GpuWire.CREATE_2D_BYTES;
                case GpuWire.CMD_RESOURCE_UNREF, GpuWire.CMD_RESOURCE_DETACH_BACKING -> GpuWire.RESOURCE_ONLY_BYTES;
                case GpuWire.CMD_SET_SCANOUT -> GpuWire.SET_SCANOUT_BYTES;
                case GpuWire.CMD_RESOURCE_FLUSH -> GpuWire.FLUSH_BYTES;
                case GpuWire.CMD_TRANSFER_TO_HOST_2D -> GpuWire.TRANSFER_BYTES;
                case GpuWire.CMD_RESOURCE_ATTACH_BACKING -> GpuWire.ATTACH_BYTES;
                case GpuWire.CMD_GET_EDID -> GpuWire.GET_EDID_BYTES;
                case GpuWire.CMD_UPDATE_CURSOR, GpuWire.CMD_MOVE_CURSOR -> GpuWire.CURSOR_BYTES;
                default -> 0;
            };
        }

        /** The name of a type. */
        static String name(int type) {
            return switch (type) {
                case GpuWire.CMD_GET_DISPLAY_INFO -> "GET_DISPLAY_INFO";
                case GpuWire.CMD_RESOURCE_CREATE_2D -> "RESOURCE_CREATE_2D";
                case GpuWire.CMD_RESOURCE_UNREF -> "RESOURCE_UNREF";
                case GpuWire.CMD_SET_SCANOUT -> "SET_SCANOUT";
                case GpuWire.CMD_RESOURCE_FLUSH -> "RESOURCE_FLUSH";
                case GpuWire.CMD_TRANSFER_TO_HOST_2D -> "TRANSFER_TO_HOST_2D";
                case GpuWire.CMD_RESOURCE_ATTACH_BACKING -> "RESOURCE_ATTACH_BACKING";
                case GpuWire.CMD_RESOURCE_DETACH_BACKING -> "RESOURCE_DETACH_BACKING";
                case GpuWire.CMD_GET_EDID -> "GET_EDID";
                case GpuWire.CMD_UPDATE_CURSOR -> "UPDATE_CURSOR";
                case GpuWire.CMD_MOVE_CURSOR -> "MOVE_CURSOR";
                default -> "command 0x" + Integer.toHexString(type);
            };
        }

        /** The type's name, then all numbers behind the header. */
        @Override
        public String toString() {
            StringBuilder text = new StringBuilder(name(type()));
            for (int at = GpuWire.HDR_BYTES; at + 4 <= length() && at < GpuWire.HDR_BYTES + 96; at += 4) {
                text.append(at == GpuWire.HDR_BYTES ? " " : ",").append(Integer.toUnsignedString(u32(at)));
            }
            byte[] header = new byte[Math.min(GpuWire.HDR_BYTES, length())];
            bytes.get(0, header);
            return text.append(" (header ").append(HexFormat.of().formatHex(header)).append(", ").append(length())
                    .append(" bytes, room ").append(room).append(", ").append(queue).append(' ').append(form)
                    .append(piece == Integer.MAX_VALUE ? "" : " in pieces of " + piece).append(')').toString();
        }
    }
}
