package copyengine;

/**
 * The programming interface: 32-bit little-endian registers in BAR 0, at these offsets. The low half of an address
 * comes first.
 *
 * <p>To copy, a driver writes two lists into memory (see {@link ScatterList}), sets their addresses and lengths, and writes
 * anything to {@link #DOORBELL}. {@link #STATUS} is then BUSY, and DONE or ERROR when the job has ended.
 */
final class Registers {
    /** Read-only: {@link #IDENTITY}, for the driver to identify the device. */
    static final int ID = 0x00;
    /** Write 1 to abort the job, if any, and to clear all registers except the counters. Reads as 0. */
    static final int RESET = 0x04;
    /** {@link #BUSY}, {@link #DONE}, {@link #ERROR}; writing a one to DONE or ERROR clears it. */
    static final int STATUS = 0x08;
    /** Interrupt enable bits for DONE and ERROR. */
    static final int INTERRUPT_ENABLE = 0x0c;
    /** Address and number of entries of the source list. */
    static final int SOURCE_LIST = 0x10;
    static final int SOURCE_ENTRIES = 0x18;
    /** Address and number of entries of the target list. */
    static final int TARGET_LIST = 0x20;
    static final int TARGET_ENTRIES = 0x28;
    /** Any write starts a job with the current registers; ignored while a job runs. */
    static final int DOORBELL = 0x30;
    /** Read-only: the error of the last job, the number of a {@link Failure}. */
    static final int ERROR_CODE = 0x34;
    /** Read-only: the address of that error, 64 bits. */
    static final int FAULT_ADDRESS = 0x38;
    /**
     * Read-only counters since the function was created: jobs that ended with DONE, jobs that ended with ERROR, bytes
     * written (64 bits).
     */
    static final int JOBS_DONE = 0x40;
    static final int JOBS_FAILED = 0x44;
    static final int BYTES = 0x48;

    /** "COPY". */
    static final int IDENTITY = 0x59504f43;

    static final int BUSY = 1;
    static final int DONE = 2;
    static final int ERROR = 4;

    private Registers() {}
}
