package sluice.vdev.gpu;

/** Response types (virtio 1.3 §5.7.6.7). */
public enum Response {
    OK_NODATA(0x1100),
    OK_DISPLAY_INFO(0x1101),
    OK_CAPSET_INFO(0x1102),
    OK_CAPSET(0x1103),
    OK_EDID(0x1104),
    OK_RESOURCE_UUID(0x1105),
    OK_MAP_INFO(0x1106),
    /** All other errors: an unknown command, one that is too short, an address that is not memory. */
    ERR_UNSPEC(0x1200),
    ERR_OUT_OF_MEMORY(0x1201),
    ERR_INVALID_SCANOUT_ID(0x1202),
    ERR_INVALID_RESOURCE_ID(0x1203),
    ERR_INVALID_CONTEXT_ID(0x1204),
    ERR_INVALID_PARAMETER(0x1205);

    private final int wireNumber;

    Response(int wireNumber) {
        this.wireNumber = wireNumber;
    }

    public int wireNumber() {
        return wireNumber;
    }

    /** Whether the command was not executed. */
    boolean isError() {
        return wireNumber >= 0x1200;
    }
}
