# SPDX-License-Identifier: Apache-2.0
"""Why it is not well: look at an installation from all sides, name what is wrong, and mend it.

`table` knows every diagnosis; `examine` makes all looks at once; `fix` repairs what is safe to
repair; `bundle` packs what somebody who helps needs to see, without secrets.
"""
