package sluice.vdev.vhostuser;

import io.netty.buffer.ByteBuf;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Permission;
import sluice.vdev.io.ProtocolViolation;

/** struct vhost_iotlb_msg (linux/vhost_types.h), sent in both directions: misses, updates and invalidations. */
final class IotlbMessage {
    /** Address, size and user address, 64 bits each, permission and type, a byte each; QEMU pads it to 32 bytes. */
    static final int BYTES = 26;
    private static final int PADDED_BYTES = 32;
    private static final int MISS = 1;
    private static final int UPDATE = 2;
    private static final int INVALIDATE = 3;

    private IotlbMessage() {}

    /** Decodes a front-end's message; {@code body} has at least {@link #BYTES}. */
    static FrontEndMessage read(ByteBuf body) throws ProtocolViolation {
        long address = body.readLongLE();
        long size = body.readLongLE();
        long target = body.readLongLE();
        int permission = body.readUnsignedByte();
        int type = body.readUnsignedByte();
        return switch (type) {
            case UPDATE -> new FrontEndMessage.IotlbUpdate(address, size, target, permission(permission));
            case INVALIDATE -> new FrontEndMessage.IotlbInvalidate(range(address, size));
            default -> throw new ProtocolViolation(
                    "IOTLB message of type %d; a front-end sends 2 (update) and 3 (invalidate)".formatted(type));
        };
    }

    private static Permission permission(int bits) throws ProtocolViolation {
        if (bits < 1 || bits > 3) {
            throw new ProtocolViolation(
                    "IOTLB update with permission %d; give 1 (read), 2 (write) or 3 (both)".formatted(bits));
        }
        return Permission.of(bits);
    }

    /** A size of 0 means 2^64; a range beyond 2^64 is cut there. */
    private static AddressRange range(long address, long size) {
        long last = address + size - 1;
        if (size == 0) return new AddressRange(0, -1);
        return new AddressRange(address, Long.compareUnsigned(last, address) < 0 ? -1 : last);
    }

    /** Writes an IOTLB miss for {@code address}. */
    static void writeMiss(ByteBuf body, long address, Access access) {
        body.writeLongLE(address).writeLongLE(0).writeLongLE(0);
        body.writeByte(Permission.of(access).bits()).writeByte(MISS).writeZero(PADDED_BYTES - BYTES);
    }
}
