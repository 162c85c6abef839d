/** The page at `/`. */
export const PAGE = '<!doctype html><title>dawnlm</title>';
export const PAGE_POLICY = "default-src 'none'";
