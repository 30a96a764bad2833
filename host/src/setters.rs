//! Structs that an application fills in and that will grow.
//!
//! They are `non_exhaustive`, so that another field breaks nobody, and begin with a default or a constructor. [`setters`] gives
//! each field a method of its name that takes another value of it, so that they are written as one expression.

macro_rules! setters {
    ($of:ident { $($field:ident: $type:ty,)+ }) => {
        impl $of {
            $(
                #[doc = concat!("The same with this [`", stringify!($field), "`](field@", stringify!($of), "::", stringify!($field), ").")]
                #[must_use]
                pub fn $field(mut self, $field: $type) -> Self {
                    self.$field = $field;
                    self
                }
            )+
        }
    };
}

pub(crate) use setters;
